/** Which records a view reads, found out of their bytes. */
import {
  CONNECTION_RECORD,
  CONNECTION_WHAT,
  DROP_RECORD,
  ENDPOINTS,
  LISTENER_RECORD,
  OWNER_INFO,
  OWNER_KEY,
  OWNER_RECORD,
  RECORD_HEADER,
  RECORD_KIND,
  RECORD_READER,
  RETRANSMIT_RECORD,
  STATE_RECORD,
  VIEWED_RECORD,
} from '../decode/generated/layout.ts';
import {
  EVENT_PACKET_DROP,
  EVENT_TCP_CONNECTION_ACCEPT,
  EVENT_TCP_CONNECTION_CLOSE,
  EVENT_TCP_CONNECTION_FAIL,
  EVENT_TCP_CONNECTION_OPEN,
  EVENT_TCP_LISTENER_START,
  EVENT_TCP_RETRANSMIT,
  EVENT_TCP_STATE_CHANGE,
} from '../../semconv/index.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import type { Greeting } from './protocol.ts';

/** Processes that a view was told of; one that made room is told of again. */
const MAX_TOLD = 8_192;

interface Viewed {
  readonly kind: number;
  /** Which of the records of connections: `enum connection_what`. */
  readonly what?: number;
  /** Its number of `enum viewed_record`. */
  readonly viewed: number;
}

const { RECORD_CONNECTION, RECORD_DROP, RECORD_LISTENER, RECORD_RETRANSMIT, RECORD_STATE } = RECORD_KIND;

/** By the name of their event. */
const VIEWED: ReadonlyMap<string, Viewed> = new Map(
  Object.entries({
    [EVENT_TCP_CONNECTION_OPEN.name]: connection('OPEN'),
    [EVENT_TCP_CONNECTION_ACCEPT.name]: connection('ACCEPT'),
    [EVENT_TCP_CONNECTION_FAIL.name]: connection('FAIL'),
    [EVENT_TCP_CONNECTION_CLOSE.name]: connection('CLOSE'),
    [EVENT_TCP_STATE_CHANGE.name]: { kind: RECORD_STATE, viewed: VIEWED_RECORD.VIEWED_STATE },
    [EVENT_TCP_LISTENER_START.name]: { kind: RECORD_LISTENER, viewed: VIEWED_RECORD.VIEWED_LISTENER },
    [EVENT_TCP_RETRANSMIT.name]: { kind: RECORD_RETRANSMIT, viewed: VIEWED_RECORD.VIEWED_RETRANSMIT },
    [EVENT_PACKET_DROP.name]: { kind: RECORD_DROP, viewed: VIEWED_RECORD.VIEWED_DROP },
  }),
);

function connection(what: 'OPEN' | 'ACCEPT' | 'FAIL' | 'CLOSE'): Viewed {
  return {
    kind: RECORD_CONNECTION,
    what: CONNECTION_WHAT[`CONNECTION_${what}`],
    viewed: VIEWED_RECORD[`VIEWED_${what}`],
  };
}

/** Where the parts lie that are looked at, by kind; the owner's key is at one place in all of them. */
const ENDPOINTS_AT: Readonly<Record<number, number>> = {
  [RECORD_CONNECTION]: CONNECTION_RECORD.endpoints,
  [RECORD_STATE]: STATE_RECORD.endpoints,
  [RECORD_LISTENER]: LISTENER_RECORD.endpoints,
  [RECORD_RETRANSMIT]: RETRANSMIT_RECORD.endpoints,
};
const OWNER_AT = CONNECTION_RECORD.owner;

/** Fills what is known of a process; false: nothing is. */
export type OwnerLookup = (key: Uint8Array, info: Uint8Array) => boolean;

/** An event that no view shows the records of; undefined: there is none. */
export function unviewedEvent({ events }: Greeting): string | undefined {
  return events.find((name) => !VIEWED.has(name));
}

/** The records that one view asked for. */
export class RecordChoice {
  /** Bits of `enum viewed_record`. */
  readonly viewed: number;
  readonly #greeting: Greeting;
  readonly #wanted: readonly Viewed[];
  readonly #ports: readonly (ReadonlySet<number> | undefined)[];
  readonly #lookup: OwnerLookup;
  readonly #told = new BoundedCache<string, true>(MAX_TOLD);

  constructor(greeting: Greeting, lookup: OwnerLookup) {
    this.#greeting = greeting;
    this.#lookup = lookup;
    this.#wanted = greeting.events.flatMap((name) => VIEWED.get(name) ?? []);
    this.viewed = this.#wanted.reduce((bits, { viewed }) => bits | (1 << viewed), 0);
    this.#ports = [greeting.local, greeting.remote].map((ports) => ports && new Set(ports));
  }

  /** Copies of those that were asked for, each behind a record of its process when that was not told of yet. */
  of(bytes: Uint8Array): Uint8Array[] {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const chosen: Uint8Array[] = [];
    for (let at = 0; at + RECORD_HEADER.size <= bytes.length;) {
      const size = view.getUint32(at + RECORD_HEADER.bytes, true);
      const end = at + ((size + 7) & ~7);
      if (size < RECORD_HEADER.size || at + size > bytes.length) break;
      const kind = (view.getUint32(at + RECORD_HEADER.kind, true) & ~RECORD_READER.FOR_VIEWS) >>> 0;
      if (this.#isWanted(view, at, kind)) {
        const record = Buffer.alloc(end - at);
        record.set(bytes.subarray(at, at + size));
        record.writeUInt32LE(kind, RECORD_HEADER.kind);
        const owner = this.#newOwner(record);
        if (owner !== undefined) chosen.push(owner);
        chosen.push(record);
      }
      at = end;
    }
    return chosen;
  }

  #isWanted(view: DataView, at: number, kind: number): boolean {
    const isAsked = this.#wanted.some(
      (each) =>
        each.kind === kind &&
        (each.what === undefined || each.what === view.getUint8(at + CONNECTION_RECORD.what)),
    );
    if (!isAsked) return false;
    const { pid, netns } = this.#greeting;
    if (pid !== undefined && view.getUint32(at + OWNER_AT + OWNER_KEY.pid, true) !== pid) return false;
    const ends = ENDPOINTS_AT[kind];
    const netnsAt = ends === undefined ? DROP_RECORD.netns : ends + ENDPOINTS.netns;
    if (netns !== undefined && view.getUint32(at + netnsAt, true) !== netns) return false;
    // Packets need not be of a socket: their ends are looked at by the view.
    if (ends === undefined) return true;
    const [local, remote] = this.#ports;
    return (
      (local?.has(view.getUint16(at + ends + ENDPOINTS.local_port, true)) ?? true) &&
      (remote?.has(view.getUint16(at + ends + ENDPOINTS.peer_port, true)) ?? true)
    );
  }

  /** A record of the process, when it was not told of yet. */
  #newOwner(record: Buffer): Uint8Array | undefined {
    const key = record.subarray(OWNER_AT, OWNER_AT + OWNER_KEY.size);
    const id = key.toString('latin1');
    if (key.readUInt32LE(OWNER_KEY.pid) === 0 || this.#told.get(id) !== undefined) return undefined;
    const owner = Buffer.alloc(OWNER_RECORD.size);
    const info = owner.subarray(OWNER_RECORD.info, OWNER_RECORD.info + OWNER_INFO.size);
    if (!this.#lookup(key, info)) return undefined;
    this.#told.set(id, true);
    record.copy(owner, RECORD_HEADER.ts_ns, RECORD_HEADER.ts_ns, RECORD_HEADER.ts_ns + 8);
    owner.writeUInt32LE(RECORD_KIND.RECORD_OWNER, RECORD_HEADER.kind);
    owner.writeUInt32LE(OWNER_RECORD.size, RECORD_HEADER.bytes);
    key.copy(owner, OWNER_RECORD.owner);
    return owner;
  }
}
