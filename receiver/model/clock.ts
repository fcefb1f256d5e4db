/** One reading of three clocks at (nearly) the same moment, in nanoseconds. */
export interface ClockSample {
  readonly monotonicNs: bigint;
  readonly realtimeNs: bigint;
  readonly boottimeNs: bigint;
}

/** Turns kernel stamps into Unix time. */
export interface Clock {
  /** CLOCK_MONOTONIC to Unix nanoseconds, with an offset that is at most a few seconds old. */
  toUnixNs(monotonicNs: bigint): bigint;
  /** CLOCK_BOOTTIME to Unix nanoseconds. */
  bootToUnixNs(boottimeNs: bigint): bigint;
  /** CLOCK_MONOTONIC now, nanoseconds. */
  now(): bigint;
}

const resampleIntervalNs = 3_000_000_000n;

/**
 * A clock over `sample`, which is asked anew whenever a stamp lies more than three
 * seconds past the last sample: stamps themselves drive it, so an idle agent needs no timer.
 */
export function createClock(sample: () => ClockSample): Clock {
  let last = sample();
  let unixOffsetNs = last.realtimeNs - last.monotonicNs;
  let dueNs = last.monotonicNs + resampleIntervalNs;

  const take = (): ClockSample => {
    last = sample();
    unixOffsetNs = last.realtimeNs - last.monotonicNs;
    dueNs = last.monotonicNs + resampleIntervalNs;
    return last;
  };

  return {
    toUnixNs(monotonicNs) {
      if (monotonicNs >= dueNs) take();
      return monotonicNs + unixOffsetNs;
    },
    bootToUnixNs: (boottimeNs) => boottimeNs + (last.realtimeNs - last.boottimeNs),
    now: () => take().monotonicNs,
  };
}
