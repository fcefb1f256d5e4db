import { BoundedCache } from '../model/bounded-cache.ts';
import { FairShares } from './fair-shares.ts';

/** Trace ids are under the control of whoever sends requests: spans have caps. 0: no cap. */
export interface SpanLimits {
  /** Spans a second, all in all; shared fairly. */
  readonly perSecond: number;
  readonly maxPerParent: number;
  readonly maxPerTrace: number;
}

export type SpanRefusal = 'rate' | 'parent' | 'trace';

/** Whose span it is, and where it hangs. */
export interface SpanPlace {
  /** As `sharePath()` tells it. */
  readonly path: readonly string[];
  readonly traceId: string;
  /** Undefined: a root. */
  readonly parentSpanId: string | undefined;
}

export interface SpanLimit {
  /** Undefined when the span may go, otherwise the cap that it met. A root meets the rate alone. */
  refuse(place: SpanPlace, nowNs: bigint): SpanRefusal | undefined;
  /** Parents and traces whose count was forgotten, and shares that were joined, because there were too many. */
  readonly evictions: number;
}

const maxTracked = 10_000;

export function createSpanLimit(limits: SpanLimits, nowNs: bigint): SpanLimit {
  const { perSecond, maxPerParent, maxPerTrace } = limits;
  const shares = new FairShares(perSecond, Math.max(1, perSecond), nowNs);
  const byParent = new BoundedCache<string, number>(maxTracked);
  const byTrace = new BoundedCache<string, number>(maxTracked);

  return {
    get evictions() {
      return byParent.evictions + byTrace.evictions + shares.joined;
    },
    refuse({ path, traceId, parentSpanId }, now) {
      if (parentSpanId === undefined) return shares.admit(path, now) ? undefined : 'rate';
      // Ids are seen by others: what one user or container does with them is not taken from another.
      const trace = `${path.slice(0, 2).join(' ')} ${traceId}`;
      const parent = `${trace} ${parentSpanId}`;
      const ofParent = byParent.get(parent) ?? 0;
      const ofTrace = byTrace.get(trace) ?? 0;
      if (maxPerParent > 0 && ofParent >= maxPerParent) return 'parent';
      if (maxPerTrace > 0 && ofTrace >= maxPerTrace) return 'trace';
      if (!shares.admit(path, now)) return 'rate';
      byParent.set(parent, ofParent + 1);
      byTrace.set(trace, ofTrace + 1);
      return undefined;
    },
  };
}
