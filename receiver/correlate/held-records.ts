import { socketId } from '../model/ids.ts';
import type { ConnectionRecord, SignalRecord } from '../model/record.ts';
import type { Owner } from '../model/resource.ts';
import { peerKey, wireKey } from './server-spans.ts';

/** How a process calls itself. */
export interface ProcessNames {
  /** In its own pid namespace; absent when that cannot be read, as when it has ended. */
  readonly pid?: number;
  readonly service?: string;
}

/** Kinds of records that may be of a request. */
const KINDS = ['retransmit', 'drop', 'exchange', 'zero_window', 'slow_packet'] as const;
type OfRequest = Extract<SignalRecord, { readonly kind: (typeof KINDS)[number] }>;

/** A record that a SERVER span may be found for, and by what. */
export interface Held {
  readonly record: OfRequest;
  /** `wire`: by the context that the request came with; `peer`: by who asked, and the time. */
  readonly way: 'wire' | 'peer';
  readonly key: string;
  /** What the record's owner was called then: it may end before its span comes. */
  readonly names: ProcessNames;
}

/** What follows a held record of its socket, and must not come before it. */
type Follower = ConnectionRecord;

const sampled = 1;
/** What an answer has the context of its request by: the one that the client sent. */
const ofAnswers: ReadonlySet<string> = new Set(['http1_window', 'h2_stream']);

/**
 * What a record of a server waits for. Undefined: nothing. Requests that are not sampled have no span that is exported, and what
 * an application itself said of its bytes is its own span already.
 */
export function heldOf(record: SignalRecord, namesOf: (owner: Owner) => ProcessNames): Held | undefined {
  if (!isOfRequest(record)) return undefined;
  const { context } = record;
  if (context !== undefined) {
    if (!ofAnswers.has(context.method) || (context.traceFlags & sampled) === 0) return undefined;
    const key = wireKey(context.traceId, context.spanId);
    return { record, way: 'wire', key, names: namesOf(record.owner) };
  }
  if (record.kind !== 'retransmit' || record.role !== 'server' || record.type.startsWith('syn'))
    return undefined;
  const { peerAddress, peerPort } = record.endpoints;
  return { record, way: 'peer', key: peerKey(peerAddress, peerPort), names: namesOf(record.owner) };
}

function isOfRequest(record: SignalRecord): record is OfRequest {
  return (KINDS as readonly string[]).includes(record.kind);
}

/** Records that wait, oldest first, within a bound. */
export class HeldRecords {
  readonly #max: number;
  /** With when each was put here, CLOCK_MONOTONIC. */
  readonly #held = new Map<Held, bigint>();
  readonly #byKey = new Map<string, Set<Held>>();
  readonly #bySocket = new Map<string, { count: number; follower?: Follower }>();
  /** Records that made room before their time. */
  evictions = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** The oldest when it has to make room: it is no longer here. */
  add(held: Held, nowNs: bigint): Held | undefined {
    this.#held.set(held, nowNs);
    const ofKey = this.#byKey.get(held.key);
    if (ofKey === undefined) this.#byKey.set(held.key, new Set([held]));
    else ofKey.add(held);
    const socket = socketId(held.record);
    const known = this.#bySocket.get(socket);
    if (known === undefined) this.#bySocket.set(socket, { count: 1 });
    else known.count += 1;
    if (this.#held.size <= this.#max) return undefined;
    this.evictions += 1;
    return this.#held.keys().next().value;
  }

  find(key: string): readonly Held[] {
    return [...(this.#byKey.get(key) ?? [])];
  }

  /** Those that were put here before `beforeNs`, oldest first. */
  *since(beforeNs: bigint): Iterable<Held> {
    for (const [held, atNs] of this.#held) {
      if (atNs >= beforeNs) return;
      yield held;
    }
  }

  /** Whether the end of a connection waits for what is held of it. */
  follow(close: Follower): boolean {
    const known = this.#bySocket.get(socketId(close));
    if (known === undefined) return false;
    known.follower = close;
    return true;
  }

  /** It is no longer here; what may follow now. */
  remove(held: Held): Follower | undefined {
    this.#held.delete(held);
    const ofKey = this.#byKey.get(held.key);
    ofKey?.delete(held);
    if (ofKey?.size === 0) this.#byKey.delete(held.key);
    const socket = socketId(held.record);
    const known = this.#bySocket.get(socket);
    if (known === undefined) return undefined;
    known.count -= 1;
    if (known.count > 0) return undefined;
    this.#bySocket.delete(socket);
    return known.follower;
  }
}
