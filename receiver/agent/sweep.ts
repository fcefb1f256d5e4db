import { OWNER_KEY } from '../decode/generated/layout.ts';
import type { OwnerTable } from '../decode/owners.ts';
import { isProcessAlive } from '../host/process-start.ts';
import { processId } from '../model/ids.ts';
import { rowsOf } from '../model/map-image.ts';
import type { ObservedResource, Owner } from '../model/resource.ts';
import type { RowQuestion } from '../signals/family.ts';
import {
  LastLook,
  ownedRows,
  pidOf,
  type OwnedMap,
  type OwnedMapParts,
  type OwnedRow,
  type RowsKernel,
} from './owned-maps.ts';

/** What a sweep needs of the rest. */
export interface SweepParts extends OwnedMapParts {
  readonly kernel: RowsKernel & { delete(map: 'owners', key: Uint8Array): void };
  readonly owners: OwnerTable;
  readonly resources: {
    resolve(owner: Owner): Pick<ObservedResource, 'id' | 'kind'>;
    forget(owner: Owner): void;
  };
  readonly store: { retire(resourceId: string): void };
  /** Processes, as `processId`, for which stats wait that the next collection reads. */
  awaited?(): Iterable<string>;
  /** Whether this very process is still there; default: `/proc` says so. */
  isAlive?(owner: Owner): boolean;
}

/** A row is left alone until it was not used for so long: a program may still be adding to it. */
const QUIET_NS = 2_000_000_000;
interface Ended {
  readonly owner: Owner;
  /** Its `struct owner_key`. */
  readonly key: Uint8Array;
}

/**
 * Takes the rows of ended processes out of the kernel's maps, after their last
 * stats were read, so that short-lived processes do not fill them. What a program uses
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
    const { kernel, owners, resources, store, awaited } = this.#parts;
    const busy = new Set([...(awaited?.() ?? [])].filter((id) => ended.has(id)));
    for (const map of this.#parts.maps) this.#sweepMap(map, { ended, busy, nowNs });
    const gone = [...ended].filter(([id]) => !busy.has(id)).map(([, each]) => each);
    const staying = [...busy].flatMap((id) => ended.get(id)?.owner ?? []);
    const kept = new Set([...live, ...staying].map((owner) => resources.resolve(owner).id));
    for (const { owner, key } of gone) {
      const { id, kind } = resources.resolve(owner);
      kernel.delete('owners', key);
      owners.forget(owner);
      resources.forget(owner);
      // Processes that are not told apart are on the host, which outlives them.
      if (kind === 'workload' && !kept.has(id)) store.retire(id);
    }
  }

  #sortOwners(): { live: Owner[]; ended: Map<string, Ended> } {
    const isAlive =
      this.#parts.isAlive ?? (({ pid, startNs }: Owner) => isProcessAlive('/proc', pid, startNs));
    const all = this.#everyOwner();
    const newest = new Map<number, Owner>();
    for (const { owner } of all.values()) {
      const before = newest.get(owner.pid);
      if (before === undefined || isLater(owner, before)) newest.set(owner.pid, owner);
    }
    const live: Owner[] = [];
    const ended = new Map<string, Ended>();
    for (const [id, each] of all) {
      // A pid that was given out again: the earlier process ended, also one of the same tick. So did an earlier program.
      if (newest.get(each.owner.pid) === each.owner && isAlive(each.owner)) live.push(each.owner);
      else ended.set(id, each);
    }
    return { live, ended };
  }

  /** Those in `owners`, and those of rows that have none there: it was full, or a socket outlived them. */
  #everyOwner(): Map<string, Ended> {
    const { kernel, maps, owners } = this.#parts;
    const all = new Map<string, Ended>();
    for (const row of rowsOf(kernel.read('owners'))) {
      const owner = owners.find(row.keys, row.keyAt);
      all.set(processId(owner), { owner, key: row.key() });
    }
    for (const map of maps) {
      for (const row of ownedRows(map, kernel)) {
        if (pidOf(row) === 0 || all.has(row.owner)) continue;
        const owner = owners.find(new DataView(row.key.buffer, row.key.byteOffset), 0);
        all.set(row.owner, { owner, key: row.key.slice(0, OWNER_KEY.size) });
      }
    }
    return all;
  }

  #sweepMap(map: OwnedMap, { ended, busy, nowNs }: Round): void {
    const { rows } = map;
    const asked = { nowNs, quietNs: QUIET_NS, isEnded: true };
    for (const row of ownedRows(map, this.#parts.kernel)) {
      // What is only counted is nearly always the last of its process: it need not be tried while that is busy.
      if (!ended.has(row.owner) || (rows.known === undefined && busy.has(row.owner))) continue;
      if (rows.isHeld?.(row.id, asked) === true || !this.#takeOut(map, row, asked)) {
        busy.add(row.owner);
        continue;
      }
      rows.forget(row.id);
      this.removed += 1;
    }
  }

  #takeOut(map: OwnedMap, row: OwnedRow, asked: RowQuestion): boolean {
    const last = new LastLook(this.#parts.kernel, map, row);
    // Asked again: that reading may have shown a use of which the one before knew nothing.
    const isUsed = map.rows.isTimed
      ? map.rows.isHeld?.(row.id, asked) === true
      : last.use !== undefined && last.use !== row.use;
    return !isUsed && last.take();
  }
}

/** Compares two processes with one pid, or two programs in one process. */
function isLater(one: Owner, other: Owner): boolean {
  return one.startNs === other.startNs ? one.execs > other.execs : one.startNs > other.startNs;
}

interface Round {
  readonly ended: ReadonlyMap<string, Ended>;
  /** Processes with a row that stays. */
  readonly busy: Set<string>;
  readonly nowNs: number;
}
