/** What became of measurements that found no room under their own attributes. */
export interface OverflowCounts {
  /** Measurements that went to the overflow series of their own metric and resource. */
  readonly overflowed: number;
  /** Measurements that went to the spill resource, because not one more series fitted on their own. */
  readonly spilled: number;
  /** Measurements lost: no room at all, or not a value that the instrument takes. */
  readonly refused: number;
  /** Of those that overflowed: for one `server.port` too many of their workload. */
  readonly overPorts: number;
}

/**
 * Shares out the slots of all series. A stream (one metric of one resource) that gets its
 * first ordinary series also reserves a slot for its overflow series, so overflow stays on the
 * stream where it happened. The last `spillReserve` slots belong to the spill resource.
 */
export interface SeriesBudget {
  readonly limit: number;
  /** Series that exist. Never above `limit`. */
  used(): number;
  /** Room for an ordinary series? `isFirst`: its stream holds no reservation yet. */
  takeSeries(isFirst: boolean): boolean;
  /** Room for an overflow series? */
  takeOverflow(isReserved: boolean, isSpill: boolean): boolean;
  /** Gives back `series` slots and, when `isReserved`, an overflow slot that was never taken. */
  release(series: number, isReserved: boolean): void;
}

const maxSpillReserve = 64;

/** A budget of `limit` slots (at least 2). */
export function createSeriesBudget(limit: number): SeriesBudget {
  const spillReserve = Math.min(maxSpillReserve, limit >> 1);
  let used = 0;
  let reserved = 0;
  return {
    limit,
    used: () => used,
    takeSeries(isFirst) {
      const slots = isFirst ? 2 : 1;
      if (used + reserved + slots > limit - spillReserve) return false;
      used += 1;
      if (isFirst) reserved += 1;
      return true;
    },
    takeOverflow(isReserved, isSpill) {
      if (isReserved) reserved -= 1;
      else if (used + reserved + 1 > (isSpill ? limit : limit - spillReserve)) return false;
      used += 1;
      return true;
    },
    release(series, isReserved) {
      used -= series;
      if (isReserved) reserved -= 1;
    },
  };
}
