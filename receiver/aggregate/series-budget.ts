/** What became of measurements that found no room under their own attributes. */
export interface OverflowCounts {
  /** Measurements that went to the overflow series of their own metric and resource. */
  readonly overflowed: number;
  /** Measurements that went to the spill resource, because not one more series fitted on their own. */
  readonly spilled: number;
  /** Measurements lost: no room at all, or not a value that the instrument takes. */
  readonly refused: number;
  /** Overflowed measurements that had one `server.port` too many of their workload. */
  readonly overPorts: number;
}

/** The slots of all series, of which each resource has a share. */
export interface SeriesBudget {
  readonly limit: number;
  /** Series that exist. Never above `limit`. */
  used(): number;
  /** For one more resource. */
  share(): SeriesShare;
}

/**
 * What one resource has of the budget. A stream (one metric of one resource) that gets its
 * first ordinary series also reserves a slot for its overflow series, so overflow stays on the
 * stream where it happened. The last `spillReserve` slots belong to the spill resource.
 */
export interface SeriesShare {
  /** Room for an ordinary series? `isFirst`: its stream holds no reservation yet. */
  takeSeries(isFirst: boolean): boolean;
  /** Room for a series that nothing was measured for? More than half is free. */
  isAmple(): boolean;
  /** Room for an overflow series? */
  takeOverflow(isReserved: boolean, isSpill: boolean): boolean;
  /** Gives back `series` slots and, when `isReserved`, an overflow slot that was never taken. */
  release(series: number, isReserved: boolean): void;
}

const maxSpillReserve = 64;

/** A budget of `limit` slots (at least 2). */
export function createSeriesBudget(limit: number): SeriesBudget {
  const room = limit - Math.min(maxSpillReserve, limit >> 1);
  let used = 0;
  let reserved = 0;
  /**
   * A share falls with the square of what is free, as in the kernel's maps (docs/decisions/0020): one
   * resource has at most 38 % of the room, and who comes after ten such still has some.
   */
  const mayHave = (series: number): boolean => {
    const free = room - used - reserved;
    return series * room <= free * free;
  };
  const share = (): SeriesShare => {
    let own = 0;
    return {
      takeSeries(isFirst) {
        const slots = isFirst ? 2 : 1;
        if (used + reserved + slots > room || !mayHave(own + 1)) return false;
        own += 1;
        used += 1;
        if (isFirst) reserved += 1;
        return true;
      },
      isAmple: () => 2 * (used + reserved) < room && mayHave(2 * own),
      takeOverflow(isReserved, isSpill) {
        if (isReserved) reserved -= 1;
        else if (used + reserved + 1 > (isSpill ? limit : room)) return false;
        own += 1;
        used += 1;
        return true;
      },
      release(series, isReserved) {
        own -= series;
        used -= series;
        if (isReserved) reserved -= 1;
      },
    };
  };
  return { limit, used: () => used, share };
}
