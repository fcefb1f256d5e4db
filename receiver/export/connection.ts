import type { SendResult } from './failure.ts';

/** What came back: the bytes of an answer that says "taken", or what became of the request instead. */
export type Answer = { readonly status: 'answered'; readonly bytes: Uint8Array } | SendResult;

/**
 * A way to one collector for encoded messages of one kind. It has no time limit of its own that can be
 * relied on: `abort` ends what takes too long.
 */
export interface Connection {
  /** Never rejects. One call at a time. */
  send(bytes: Uint8Array): Promise<Answer>;
  /** Ends the call under way and closes every socket, those that are still being connected too. */
  abort(): void;
  close(): void;
}

/** Longest answer that is read, in bytes: a collector's is a number and a message. */
export const MAX_ANSWER_BYTES = 65_536;
