import type { BodyForm } from './body-form.ts';
import type { Answer } from './send-result.ts';

/**
 * A way to one collector for encoded messages of one kind. It has no time limit of its own that can be
 * relied on: `abort` ends what takes too long.
 */
export interface Connection {
  /** Never rejects. One call at a time. `form`: bytes of a body that goes as it is, which gRPC does not have. */
  send(bytes: Uint8Array, form?: BodyForm): Promise<Answer>;
  /** Ends the call under way and closes every socket, those that are still being connected too. */
  abort(): void;
  close(): void;
}

/** Longest answer that is read, in bytes: a collector's is a number and a message. */
export const MAX_ANSWER_BYTES = 65_536;
