import type { HrTime } from '@opentelemetry/api';

const nsPerSecond = 1_000_000_000n;

/** Unix nanoseconds to the SDK's `[seconds, nanoseconds]`, exactly. */
export function toHrTime(unixNs: bigint): HrTime {
  return [Number(unixNs / nsPerSecond), Number(unixNs % nsPerSecond)];
}

/** Whether `a` lies before `b`. */
export function isEarlier(a: HrTime, b: HrTime): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}
