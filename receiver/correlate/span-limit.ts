import { BoundedCache } from '../bounded-cache.ts';
import { TokenBucket } from './token-bucket.ts';

/** Trace ids are under the control of whoever sends requests: spans have caps. 0: no cap. */
export interface SpanLimits {
  /** Spans a second, all in all. */
  readonly perSecond: number;
  readonly maxPerParent: number;
  readonly maxPerTrace: number;
}

export type SpanRefusal = 'rate' | 'parent' | 'trace';

export interface SpanLimit {
  /** Undefined when the span may go, otherwise the cap that it met. A root has no parent. */
  refuse(traceId: string, parentSpanId: string | undefined, nowNs: bigint): SpanRefusal | undefined;
  /** Parents and traces whose count was forgotten because there were too many. */
  readonly evictions: number;
}

const maxTracked = 10_000;

export function createSpanLimit(limits: SpanLimits, nowNs: bigint): SpanLimit {
  const { perSecond, maxPerParent, maxPerTrace } = limits;
  const bucket = new TokenBucket(perSecond, Math.max(1, perSecond), nowNs);
  const byParent = new BoundedCache<string, number>(maxTracked);
  const byTrace = new BoundedCache<string, number>(maxTracked);

  return {
    get evictions() {
      return byParent.evictions + byTrace.evictions;
    },
    refuse(traceId, parentSpanId, now) {
      const parent = parentSpanId === undefined ? undefined : `${traceId}${parentSpanId}`;
      const ofParent = parent === undefined ? 0 : (byParent.get(parent) ?? 0);
      const ofTrace = parent === undefined ? 0 : (byTrace.get(traceId) ?? 0);
      if (maxPerParent > 0 && ofParent >= maxPerParent) return 'parent';
      if (maxPerTrace > 0 && ofTrace >= maxPerTrace) return 'trace';
      if (!bucket.hasToken(now)) return 'rate';
      bucket.take();
      if (parent !== undefined) {
        byParent.set(parent, ofParent + 1);
        byTrace.set(traceId, ofTrace + 1);
      }
      return undefined;
    },
  };
}
