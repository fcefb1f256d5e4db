/** Which records a view reads, found out of their bytes. */
import {
  CONNECTION_RECORD,
  CONNECTION_WHAT,
  CGROUP_NAMES,
  DROP_RECORD,
  ENDPOINTS,
  LISTENER_KEY,
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
import { rowsOf, type MapImage } from '../model/map-image.ts';
import type { Greeting } from './protocol.ts';

/** Processes that a view was told of; one that made room is told of again. Likewise of those in a control group. */
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

function connection(what: 'OPEN' | 'ACCEPT' | 'FAIL' | 'CLOSE' | 'LIVE'): Viewed {
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

/** An event that no view shows the records of; undefined: there is none. */
export function unviewedEvent({ events }: Greeting): string | undefined {
  return events.find((name) => !VIEWED.has(name));
}

/** What is asked of processes, by their `struct owner_key`. */
export interface ChoiceProcesses {
  /** Fills what is known of it; false: nothing is. */
  lookup(key: Uint8Array, info: Uint8Array): boolean;
  /** Whether it is in the control group with this path, or below; undefined: nothing is known of it. */
  isInCgroup(key: Uint8Array, path: string): boolean | undefined;
  /** The names of the control group with this id; false: they are not known. */
  cgroupNames(id: Uint8Array, names: Uint8Array): boolean;
}

/** The names of a control group, a row of the kernel's map `cgroups`. */
export interface NamedCgroup {
  readonly id: Uint8Array;
  readonly names: Uint8Array;
}

/** Rows of listening sockets, and records of processes that have them. */
export interface FoundListeners {
  readonly owners: readonly Uint8Array[];
  readonly image: MapImage;
}

/** The records that one view asked for. */
export class RecordChoice {
  /** Bits of `enum viewed_record`. */
  readonly viewed: number;
  readonly greeting: Greeting;
  readonly #wanted: readonly Viewed[];
  readonly #ports: readonly (ReadonlySet<number> | undefined)[];
  readonly #processes: ChoiceProcesses;
  readonly #told = new BoundedCache<string, true>(MAX_TOLD);
  /** Whether processes are in the control group that was asked for. */
  readonly #members = new BoundedCache<string, boolean>(MAX_TOLD);
  /** The groups of processes that were told of. */
  #cgroups: NamedCgroup[] = [];

  constructor(greeting: Greeting, processes: ChoiceProcesses) {
    this.greeting = greeting;
    this.#processes = processes;
    this.#wanted = [
      ...greeting.events.flatMap((name) => VIEWED.get(name) ?? []),
      ...(greeting.sums?.live === true ? [connection('LIVE')] : []),
    ];
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
        const owner = this.#newOwner(record.subarray(OWNER_AT), record.readBigUInt64LE(RECORD_HEADER.ts_ns));
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
    const { netns } = this.greeting;
    if (!this.#isOfProcess(view, at + OWNER_AT)) return false;
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

  /** Whether the process whose key lies there was asked for. */
  #isOfProcess(view: DataView, keyAt: number): boolean {
    const { pid, cgroup } = this.greeting;
    const ownPid = view.getUint32(keyAt + OWNER_KEY.pid, true);
    if (pid !== undefined && ownPid !== pid) return false;
    if (cgroup === undefined) return true;
    if (ownPid === 0) return false;
    const key = Buffer.from(view.buffer, view.byteOffset + keyAt, OWNER_KEY.size);
    const id = key.toString('latin1');
    const known = this.#members.get(id);
    if (known !== undefined) return known;
    const isMember = this.#processes.isInCgroup(key, cgroup);
    if (isMember !== undefined) this.#members.set(id, isMember);
    return isMember === true;
  }

  /** The rows of `listeners` that were asked for, and records of their processes when those were not told of yet. */
  listeners(all: MapImage): FoundListeners {
    const [local] = this.#ports;
    const owners: Uint8Array[] = [];
    const rows: { readonly key: Uint8Array; readonly value: Uint8Array }[] = [];
    for (const row of rowsOf(all)) {
      const { keys, keyAt } = row;
      if (!this.#isOfProcess(keys, keyAt + LISTENER_KEY.owner)) continue;
      if (local?.has(keys.getUint16(keyAt + LISTENER_KEY.port, true)) === false) continue;
      const key = Buffer.from(row.key());
      rows.push({ key, value: row.value() });
      const owner = this.#newOwner(key.subarray(LISTENER_KEY.owner), 0n);
      if (owner !== undefined) owners.push(owner);
    }
    const { keySize, stride } = all;
    const image = {
      count: rows.length,
      keys: Buffer.concat(rows.map(({ key }) => key)),
      values: Buffer.concat(rows.map(({ value }) => value)),
      ...{ keySize, stride },
    };
    return { owners, image };
  }

  /** Names of the control groups of processes that were told of since the last call, if they were asked for. */
  takeCgroups(): readonly NamedCgroup[] {
    const taken = this.#cgroups;
    this.#cgroups = [];
    return taken;
  }

  /** A record of the process whose key that begins with, when it was not told of yet. */
  #newOwner(bytes: Buffer, timeNs: bigint): Uint8Array | undefined {
    const key = bytes.subarray(0, OWNER_KEY.size);
    const id = key.toString('latin1');
    if (key.readUInt32LE(OWNER_KEY.pid) === 0 || this.#told.get(id) !== undefined) return undefined;
    const owner = Buffer.alloc(OWNER_RECORD.size);
    const info = owner.subarray(OWNER_RECORD.info, OWNER_RECORD.info + OWNER_INFO.size);
    if (!this.#processes.lookup(key, info)) return undefined;
    this.#told.set(id, true);
    owner.writeBigUInt64LE(timeNs, RECORD_HEADER.ts_ns);
    owner.writeUInt32LE(RECORD_KIND.RECORD_OWNER, RECORD_HEADER.kind);
    owner.writeUInt32LE(OWNER_RECORD.size, RECORD_HEADER.bytes);
    key.copy(owner, OWNER_RECORD.owner);
    if (this.greeting.namesCgroups === true) this.#nameCgroup(info);
    return owner;
  }

  #nameCgroup(info: Buffer): void {
    const id = Buffer.from(info.subarray(OWNER_INFO.cgroup_id, OWNER_INFO.cgroup_id + 8));
    const names = new Uint8Array(CGROUP_NAMES.size);
    if (this.#processes.cgroupNames(id, names)) this.#cgroups.push({ id, names });
  }
}

/** What was seen when it was looked for views that show sums. */
export interface Look {
  /** The number of the last walk. */
  readonly pass: number;
  /** The kernel's map, when it was asked for; valid until the next look. */
  readonly listeners?: MapImage;
}
