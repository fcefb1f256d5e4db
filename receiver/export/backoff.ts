import type { RetryOptions } from './options.ts';

/** Exponential waits with jitter: each twice the last, up to a bound, give or take a fifth. */
export interface Backoff {
  /** The next wait, milliseconds. */
  next(): number;
  reset(): void;
}

/** `random`: 0 (inclusive) to 1 (exclusive). */
export function createBackoff(options: RetryOptions, random: () => number = Math.random): Backoff {
  let waitMs = options.initialMs;
  return {
    next() {
      const jittered = waitMs * (0.8 + 0.4 * random());
      waitMs = Math.min(waitMs * 2, options.maxMs);
      return Math.min(jittered, options.maxMs);
    },
    reset() {
      waitMs = options.initialMs;
    },
  };
}
