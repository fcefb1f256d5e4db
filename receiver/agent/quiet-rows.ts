import type { ConnectionSums } from '../signals/connection/sums.ts';
import type { ListenerSums } from '../signals/listener/sums.ts';
import { LISTENER, OWNER_KEY, SERIES } from '../decode/generated/layout.ts';
import { rowId } from '../model/ids.ts';
import { rowsOf, type MapImage, type MapRow } from '../model/map-image.ts';
import type { OwnedCounters, SweepParts } from './sweep.ts';

export interface QuietRowsParts extends Pick<SweepParts, 'read' | 'lookup' | 'takeRow'> {
  readonly connections: ConnectionSums;
  readonly listeners: ListenerSums;
  readonly counters: readonly OwnedCounters[];
}

/** Rows that nobody used for so long give their place back; what comes for them then makes them anew. */
const QUIET_NS = 300_000_000_000;
/** How often rows are looked at. */
const INTERVAL_NS = 30_000_000_000;

/** A cell of use that did not change since it was first seen so. */
interface Stood {
  readonly use: bigint;
  readonly sinceNs: number;
}

/**
 * Takes rows out of the kernel's maps that were not used for minutes, whether their process lives or
 * not: a process that tried many ports once has its share back, and others the room. Never the host's
 * overflow row.
 */
export class QuietRows {
  readonly #parts: QuietRowsParts;
  readonly #quietNs: number;
  /** When each row that has no time of its last use was last seen changed, by map; no more rows than the maps hold. */
  readonly #stood = new Map<string, Map<string, Stood>>();
  #lastNs = -Infinity;
  /** Rows taken out so far. */
  removed = 0;

  constructor(parts: QuietRowsParts, quietNs = QUIET_NS) {
    this.#parts = parts;
    this.#quietNs = quietNs;
  }

  /** After every reading of the sums; `nowNs`: CLOCK_MONOTONIC. */
  run(nowNs: number): void {
    if (nowNs - this.#lastNs < Math.min(INTERVAL_NS, this.#quietNs)) return;
    this.#lastNs = nowNs;
    this.#sweepConnections(nowNs);
    this.#sweepListeners(nowNs);
    for (const counters of this.#parts.counters) this.#sweepCounters(counters, nowNs);
  }

  #sweepConnections(nowNs: number): void {
    const { connections } = this.#parts;
    for (const [id, row] of connections.rows) {
      const isQuiet = (): boolean => row.memory.seen(SERIES.touched_ns) < nowNs - this.#quietNs;
      if (isHostOverflow(row) || !isQuiet() || connections.isActive(row)) continue;
      const last = this.#readRow('series', row.key, SERIES.size);
      if (last !== undefined) connections.update(last, true);
      if (isQuiet() && this.#take('series', row.key, last, SERIES.touched_ns)) connections.forget(id);
    }
  }

  #sweepListeners(nowNs: number): void {
    const { listeners } = this.#parts;
    const stood = this.#renew('listeners');
    for (const [id, row] of listeners.rows) {
      if (isHostOverflow(row) || listeners.isOpen(row) || row.refused > 0) continue;
      const last = this.#readRow('listeners', row.key, LISTENER.size);
      if (last !== undefined) listeners.update(last);
      if (last !== undefined && !stood.isQuiet(id, cellAt(last.values, LISTENER.uses), nowNs)) continue;
      if (this.#take('listeners', row.key, last, LISTENER.uses)) listeners.forget(id);
    }
  }

  #sweepCounters({ map, size, useAt, update, forget }: OwnedCounters, nowNs: number): void {
    const stood = this.#renew(map);
    for (const row of rowsOf(this.#parts.read(map))) {
      const { id } = row;
      const use = row.values.getBigUint64(row.valueAt + useAt, true);
      if (isNobodys(row) || !stood.isQuiet(id, use, nowNs)) continue;
      const key = row.key();
      const last = this.#readRow(map, key, size);
      if (last !== undefined) update(last);
      if (last !== undefined && !stood.isQuiet(id, cellAt(last.values, useAt), nowNs)) continue;
      if (this.#take(map, key, last, useAt)) forget(id);
    }
  }

  /** What stood at the last look; what is not asked for again is forgotten. */
  #renew(map: string): { isQuiet(id: string, use: bigint, nowNs: number): boolean } {
    const before = this.#stood.get(map) ?? new Map<string, Stood>();
    const now = new Map<string, Stood>();
    this.#stood.set(map, now);
    return {
      isQuiet: (id, use, nowNs) => {
        const known = now.get(id) ?? before.get(id);
        const stood = known?.use === use ? known : { use, sinceNs: nowNs };
        now.set(id, stood);
        return stood.sinceNs <= nowNs - this.#quietNs;
      },
    };
  }

  /** `last`: as its sums were read last; undefined: it is not there. */
  #take(map: string, key: Uint8Array, last: MapImage | undefined, useAt: number): boolean {
    if (last !== undefined && !this.#parts.takeRow(map, key, last.values.subarray(useAt, useAt + 8)))
      return false;
    this.removed += 1;
    this.#stood.get(map)?.delete(rowId(key));
    return true;
  }

  #readRow(map: string, key: Uint8Array, size: number): MapImage | undefined {
    const values = new Uint8Array(size);
    if (!this.#parts.lookup(map, key, values)) return undefined;
    return { count: 1, keys: key, values, keySize: key.length, stride: size };
  }
}

function isHostOverflow({ owner, isOverflow }: { owner: { pid: number }; isOverflow: boolean }): boolean {
  return owner.pid === 0 && isOverflow;
}

/** Drops and resets of no process are few, and the host's overflow row is among them. */
function isNobodys({ keys, keyAt }: MapRow): boolean {
  return keys.getUint32(keyAt + OWNER_KEY.pid, true) === 0;
}

function cellAt(values: Uint8Array, at: number): bigint {
  return new DataView(values.buffer, values.byteOffset).getBigUint64(at, true);
}
