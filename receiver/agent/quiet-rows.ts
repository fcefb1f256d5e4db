import {
  LastLook,
  ownedRows,
  pidOf,
  type OwnedMap,
  type OwnedMapParts,
  type OwnedRow,
} from './owned-maps.ts';

/** Rows that nobody used for so long give their place back; what comes for them then makes them anew. */
const QUIET_NS = 300_000_000_000;
/** How often rows are looked at. */
const INTERVAL_NS = 30_000_000_000;

/** A cell of use that did not change since it was first seen so. */
interface Stood {
  readonly use: number;
  readonly sinceNs: number;
}

/**
 * Takes rows out of the kernel's maps that were not used for minutes, whether their process lives or
 * not: a process that tried many ports once has its share back, and others the room. Never the host's
 * overflow row.
 */
export class QuietRows {
  readonly #parts: OwnedMapParts;
  readonly #quietNs: number;
  /** When each row that has no time of its last use was last seen changed, by map; no more rows than the maps hold. */
  readonly #stood = new Map<string, Map<string, Stood>>();
  #lastNs = -Infinity;
  /** Rows taken out so far. */
  removed = 0;

  constructor(parts: OwnedMapParts, quietNs = QUIET_NS) {
    this.#parts = parts;
    this.#quietNs = quietNs;
  }

  /** After every reading of the sums; `nowNs`: CLOCK_MONOTONIC. */
  run(nowNs: number): void {
    if (nowNs - this.#lastNs < Math.min(INTERVAL_NS, this.#quietNs)) return;
    this.#lastNs = nowNs;
    for (const map of this.#parts.maps) this.#sweepMap(map, nowNs);
  }

  #sweepMap(map: OwnedMap, nowNs: number): void {
    const { rows } = map;
    const asked = { nowNs, quietNs: this.#quietNs, isEnded: false };
    const stood = rows.isTimed ? undefined : this.#renew(map.map);
    const isUsed = (id: string, use: number | undefined): boolean => {
      if (stood === undefined) return rows.isHeld?.(id, asked) === true;
      return use !== undefined && !stood.isQuiet(id, use, nowNs);
    };
    for (const row of ownedRows(map, this.#parts.kernel)) {
      const { id } = row;
      if (isHosts(map, row) || rows.isHeld?.(id, asked) === true) continue;
      if (rows.known === undefined && isUsed(id, row.use)) continue;
      const last = new LastLook(this.#parts.kernel, map, row);
      if (isUsed(id, last.use) || !last.take()) continue;
      this.removed += 1;
      this.#stood.get(map.map)?.delete(id);
      rows.forget(id);
    }
  }

  /** What stood at the last look; what is not asked for again is forgotten. */
  #renew(map: string): { isQuiet(id: string, use: number, nowNs: number): boolean } {
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
}

/** The host's overflow row stays. Counts of no process are few, and it is among them. */
function isHosts({ rows }: OwnedMap, row: OwnedRow): boolean {
  return pidOf(row) === 0 && (rows.known === undefined || row.isOverflow === true);
}
