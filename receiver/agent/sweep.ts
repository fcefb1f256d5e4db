import type { ConnectionRow, ConnectionSums } from '../signals/connection/sums.ts';
import type { ListenerSums } from '../signals/listener/sums.ts';
import { LISTENER, OWNER_KEY, SERIES } from '../decode/generated/layout.ts';
import { processIdAt, type OwnerTable } from '../decode/owners.ts';
import { isProcessAlive } from '../host/process-start.ts';
import { processId, rowId } from '../model/ids.ts';
import { rowsOf, type MapImage } from '../model/map-image.ts';
import type { ObservedResource, Owner } from '../model/resource.ts';

/** A map of counters whose keys begin with `struct owner_key`. */
export interface OwnedCounters {
  readonly map: string;
  /** Bytes of a value. */
  readonly size: number;
  /** Of the cell that changes with each use of a row; the count itself in a row that is one. */
  readonly useAt: number;
  update(image: MapImage): void;
  forget(id: string): void;
}

/** What a sweep needs of the rest. */
export interface SweepParts {
  /** Reads a whole kernel map. */
  read(map: string): MapImage;
  /** Fills `value`; false when there is no such row. */
  lookup(map: string, key: Uint8Array, value: Uint8Array): boolean;
  delete(map: 'owners', key: Uint8Array): void;
  /** Takes a row of sums out, unless its cell of use is no longer `seen` (8 bytes): then false. */
  takeRow(map: string, key: Uint8Array, seen: Uint8Array): boolean;
  readonly connections: ConnectionSums;
  readonly listeners: ListenerSums;
  /** Further maps with rows of processes. */
  readonly counters: readonly OwnedCounters[];
  readonly owners: OwnerTable;
  resourceOf(owner: Owner): Pick<ObservedResource, 'id' | 'kind'>;
  forget(owner: Owner): void;
  retire(resourceId: string): void;
  /** Processes, as `pid:startNs`, for which figures wait that the next collection reads. */
  awaited?(): Iterable<string>;
  /** Whether this very process is still there; default: `/proc` says so. */
  isAlive?(owner: Owner): boolean;
}

/** A row is left alone until it was not used for so long: a program may still be adding to it. */
const QUIET_NS = 2_000_000_000;
/**
 * Sockets outlive their process: unacknowledged data is sent again for up to 102 s
 * (tcp_orphan_retries() in net/ipv4/tcp_timer.c). So long a row waits for its closes.
 */
const LINGER_NS = 180_000_000_000;

interface Ended {
  readonly owner: Owner;
  /** Its `struct owner_key`. */
  readonly key: Uint8Array;
}

/**
 * Takes the rows of ended processes out of the kernel's maps, after their last
 * figures were read, so that short-lived processes do not fill them. What a program uses
 * after that reading stays.
 */
export class Sweep {
  readonly #parts: SweepParts;
  /** Rows taken out so far. */
  removed = 0;

  constructor(parts: SweepParts) {
    this.#parts = parts;
  }

  /** `nowNs`: CLOCK_MONOTONIC. */
  run(nowNs: number): void {
    const { live, ended } = this.#sortOwners();
    if (ended.size === 0) return;
    const busy = new Set([...(this.#parts.awaited?.() ?? [])].filter((id) => ended.has(id)));
    this.#sweepConnections(ended, busy, nowNs);
    this.#sweepListeners(ended, busy);
    this.#sweepCounters(ended, busy);
    const gone = [...ended].filter(([id]) => !busy.has(id)).map(([, each]) => each);
    const staying = [...busy].flatMap((id) => ended.get(id)?.owner ?? []);
    const kept = new Set([...live, ...staying].map((owner) => this.#parts.resourceOf(owner).id));
    for (const { owner, key } of gone) {
      const { id, kind } = this.#parts.resourceOf(owner);
      this.#parts.delete('owners', key);
      this.#parts.owners.forget(owner);
      this.#parts.forget(owner);
      // Processes that are not told apart are on the host, which outlives them.
      if (kind === 'workload' && !kept.has(id)) this.#parts.retire(id);
    }
  }

  #sortOwners(): { live: Owner[]; ended: Map<string, Ended> } {
    const isAlive =
      this.#parts.isAlive ?? (({ pid, startNs }: Owner) => isProcessAlive('/proc', pid, startNs));
    const all = this.#everyOwner();
    const newest = new Map<number, bigint>();
    for (const { owner } of all.values())
      if (owner.startNs > (newest.get(owner.pid) ?? -1n)) newest.set(owner.pid, owner.startNs);
    const live: Owner[] = [];
    const ended = new Map<string, Ended>();
    for (const [id, each] of all) {
      const { pid, startNs } = each.owner;
      // A pid that was given out again: the earlier process ended, also one of the same tick.
      if (newest.get(pid) === startNs && isAlive(each.owner)) live.push(each.owner);
      else ended.set(id, each);
    }
    return { live, ended };
  }

  /** Those in `owners`, and those of rows that have none there: it was full, or a socket outlived them. */
  #everyOwner(): Map<string, Ended> {
    const { connections, listeners, owners } = this.#parts;
    const all = new Map<string, Ended>();
    for (const row of rowsOf(this.#parts.read('owners'))) {
      const owner = owners.find(row.keys, row.keyAt);
      all.set(processId(owner), { owner, key: row.key() });
    }
    for (const { owner, key } of [...connections.rows.values(), ...listeners.rows.values()]) {
      const id = processId(owner);
      if (owner.pid !== 0 && !all.has(id)) all.set(id, { owner, key: key.slice(0, OWNER_KEY.size) });
    }
    this.#addCounterOwners(all);
    return all;
  }

  /** A packet of a socket without a process may come when its owner's rows were taken out already. */
  #addCounterOwners(all: Map<string, Ended>): void {
    for (const { map } of this.#parts.counters) {
      for (const row of rowsOf(this.#parts.read(map))) {
        const id = processIdAt(row.keys, row.keyAt);
        const owner = this.#parts.owners.find(row.keys, row.keyAt);
        if (owner.pid !== 0 && !all.has(id)) all.set(id, { owner, key: row.key().slice(0, OWNER_KEY.size) });
      }
    }
  }

  #sweepConnections(ended: ReadonlyMap<string, Ended>, busy: Set<string>, nowNs: number): void {
    const { connections } = this.#parts;
    for (const [id, row] of connections.rows) {
      const owner = processId(row.owner);
      if (!ended.has(owner)) continue;
      const last = this.#isBusy(row, nowNs) ? undefined : this.#readRow('series', row.key, SERIES.size);
      if (last !== undefined) connections.update(last, true);
      // Asked again: that reading may have shown a socket of which the one before knew nothing.
      if (this.#isBusy(row, nowNs) || !this.#take('series', row.key, last, SERIES.touched_ns)) {
        busy.add(owner);
        continue;
      }
      connections.forget(id);
      this.removed += 1;
    }
  }

  #isBusy(row: ConnectionRow, nowNs: number): boolean {
    const touchedNs = row.memory.seen(SERIES.touched_ns);
    if (touchedNs > nowNs - QUIET_NS || this.#parts.connections.isActive(row)) return true;
    return touchedNs > nowNs - LINGER_NS && unclosed(row) > 0;
  }

  #sweepListeners(ended: ReadonlyMap<string, Ended>, busy: Set<string>): void {
    const { listeners } = this.#parts;
    for (const [id, row] of listeners.rows) {
      const owner = processId(row.owner);
      if (!ended.has(owner)) continue;
      // A server that went to the background: the child has what its parent opened.
      if (listeners.isOpen(row)) {
        busy.add(owner);
        continue;
      }
      const usesBefore = row.memory.seen(LISTENER.uses);
      const last = this.#readRow('listeners', row.key, LISTENER.size);
      if (last !== undefined) listeners.update(last);
      // Used since the reading before: that may not be in its figures yet.
      const isStill = last === undefined || row.memory.seen(LISTENER.uses) === usesBefore;
      if (!isStill || !this.#take('listeners', row.key, last, LISTENER.uses)) {
        busy.add(owner);
        continue;
      }
      listeners.forget(id);
      this.removed += 1;
    }
  }

  /** Rows of processes that are gone in every other way: hardly anything adds to them any more. */
  #sweepCounters(ended: ReadonlyMap<string, Ended>, busy: Set<string>): void {
    for (const { map, size, useAt, update, forget } of this.#parts.counters) {
      for (const row of rowsOf(this.#parts.read(map))) {
        const id = processIdAt(row.keys, row.keyAt);
        if (!ended.has(id) || busy.has(id)) continue;
        const key = row.key();
        const last = this.#readRow(map, key, size);
        if (last !== undefined) update(last);
        const isStill = last === undefined || isSameCell(last.values, row.value(), useAt);
        if (!isStill || !this.#take(map, key, last, useAt)) {
          busy.add(id);
          continue;
        }
        forget(rowId(key));
        this.removed += 1;
      }
    }
  }

  /** `last`: as its figures were read last; undefined: it is not there. */
  #take(map: string, key: Uint8Array, last: MapImage | undefined, useAt: number): boolean {
    return last === undefined || this.#parts.takeRow(map, key, last.values.subarray(useAt, useAt + 8));
  }

  #readRow(map: string, key: Uint8Array, size: number): MapImage | undefined {
    const values = new Uint8Array(size);
    if (!this.#parts.lookup(map, key, values)) return undefined;
    return { count: 1, keys: key, values, keySize: key.length, stride: size };
  }
}

/** Connections of the row that were opened and not closed yet, by its own figures. */
function unclosed({ memory, isFailure }: ConnectionRow): number {
  if (isFailure) return 0;
  let open = memory.seen(SERIES.opened);
  for (let at: number = SERIES.closed; at < SERIES.retransmits; at += 8) open -= memory.seen(at);
  return open;
}

function isSameCell(one: Uint8Array, other: Uint8Array, at: number): boolean {
  return Buffer.compare(one.subarray(at, at + 8), other.subarray(at, at + 8)) === 0;
}
