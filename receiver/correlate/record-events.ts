import type { RecordHandlers } from '../model/record-handlers.ts';
import type { KernelNames } from '../model/record.ts';
import type { ConnectionIds } from './connection-id.ts';
import type { ConnectionLinks } from './connection-links.ts';
import type { Decision, Decisions } from './decide.ts';
import type { Emitter } from './emitter.ts';
import type { Exchanges } from './exchanges.ts';
import type { SocketAttributes } from './socket-attributes.ts';

/** What makes events and spans of the records of one family, while the agent runs. */
export interface RecordEvents {
  readonly handlers: RecordHandlers;
  /** Ends what has been quiet for a second; CLOCK_MONOTONIC, nanoseconds. */
  expire?(nowNs: bigint): void;
  /** Ends everything that is still open. */
  endAll?(): void;
  /** How many a bound kept out since the start, by words that say what; no event or span is lost by that. */
  readonly boundsMet?: Readonly<Record<string, number>>;
}

/** What events ask of the rest. */
export interface EventParts {
  readonly emitter: Emitter;
  readonly sockets: SocketAttributes;
  readonly connectionIds: ConnectionIds;
  /** Which spans used a connection. */
  readonly links: ConnectionLinks;
  /** Those that go on, with what happened to them. */
  readonly exchanges: Exchanges;
  /** Words for this kernel's numbers. */
  readonly names: KernelNames;
  /** The decision table. */
  readonly decisions: Decisions;
  /** The address as it may leave; undefined when it may not. */
  mask(address: string): string | undefined;
  /** Counts a look-up among the agent's own stats. */
  count(decision: Decision): Decision;
}

/** How a family says that it has events: called once. */
export type CreateEvents = (parts: EventParts) => RecordEvents;
