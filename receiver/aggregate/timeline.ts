import type { HrTime } from '@opentelemetry/api';
import { toHrTime } from './hr-time.ts';

/** From one collection to the next, by the real-time clock as it is now. */
export interface Interval {
  readonly start: HrTime;
  readonly end: HrTime;
  /** How far the clock was set back since the collection before, nanoseconds; 0n: it was not. */
  readonly setBackNs: bigint;
}

/**
 * The collections of one source, one after the other. The real-time clock may be set back behind the end of
 * the collection before: the interval then lasts as long as CLOCK_MONOTONIC says, and everything that began
 * before it lies `setBackNs` earlier by the new time. Forwards, intervals stay next to each other.
 */
export class Timeline {
  readonly #monotonicNs: () => bigint;
  #lastNs: bigint;
  #lastMonotonicNs: bigint;
  #last: HrTime;

  /** `startUnixNs`: where the first interval begins. */
  constructor(startUnixNs: bigint, monotonicNs: () => bigint = () => process.hrtime.bigint()) {
    this.#monotonicNs = monotonicNs;
    this.#lastNs = startUnixNs;
    this.#lastMonotonicNs = monotonicNs();
    this.#last = toHrTime(startUnixNs);
  }

  /** The end of the last interval. */
  get last(): HrTime {
    return this.#last;
  }

  /** The next interval, which ends at `nowUnixNs`. */
  advance(nowUnixNs: bigint): Interval {
    const monotonicNs = this.#monotonicNs();
    const lastedNs = monotonicNs - this.#lastMonotonicNs;
    const setBackNs = nowUnixNs <= this.#lastNs ? this.#lastNs - (nowUnixNs - lastedNs) : 0n;
    const start = setBackNs > 0n ? earlier(this.#last, setBackNs) : this.#last;
    this.#lastNs = nowUnixNs;
    this.#lastMonotonicNs = monotonicNs;
    this.#last = toHrTime(nowUnixNs);
    return { start, end: this.#last, setBackNs };
  }
}

/** `time` less so many nanoseconds. */
export function earlier([seconds, nanoseconds]: HrTime, ns: bigint): HrTime {
  const unixNs = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds) - ns;
  return toHrTime(unixNs > 0n ? unixNs : 0n);
}
