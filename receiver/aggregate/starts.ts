import type { HrTime } from '@opentelemetry/api';
import type { Histogram, MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { toMilliseconds } from './hr-time.ts';
import type { Collected, MetricSource } from './metric-source.ts';
import type { StoredPoint } from './series.ts';

type Point = StoredPoint<number | Histogram>;

/**
 * The source with a point at zero before the first of each cumulative sum, at the time when the sum began. Who compares
 * values, as Prometheus does, would count nothing of what a sum is born with, nor see that it began anew. The protocol
 * knows such points: they last no time. The source's points must be the store's.
 */
export function withStarts(source: MetricSource): MetricSource {
  return {
    async collect(nowUnixNs) {
      const collected = await source.collect(nowUnixNs);
      return [...collected.flatMap(startsOf), ...collected];
    },
    restore: (failed) => source.restore(failed),
  };
}

/** The beginnings of one resource, if any of its sums is new. */
function startsOf({ resource, scopeMetrics }: ResourceMetrics): Collected[] {
  const starts = scopeMetrics
    .map(({ scope, metrics }) => ({ scope, metrics: metrics.flatMap(startsOfMetric) }))
    .filter(({ metrics }) => metrics.length > 0);
  return starts.length === 0 ? [] : [{ resource, scopeMetrics: starts, isStart: true }];
}

function startsOfMetric(data: MetricData): MetricData[] {
  const dataPoints = (data.dataPoints as Point[]).filter(needsStart).map(startOf);
  return dataPoints.length === 0 ? [] : [{ ...data, dataPoints } as MetricData];
}

/** Back ends tell no two points of one millisecond apart. */
function needsStart({ isFirst, value, startTime, endTime }: Point): boolean {
  return isFirst === true && value !== 0 && isMillisecondBefore(startTime, endTime);
}

function isMillisecondBefore(start: HrTime, end: HrTime): boolean {
  return toMilliseconds(start) < toMilliseconds(end);
}

/** What comes back of it makes its series be told from its start again. */
function startOf({ startTime, attributes, stream, value }: Point): Point {
  const nothing = typeof value === 'number' ? 0 : emptied(value);
  return { startTime, endTime: startTime, attributes, stream, value: nothing, isMoved: false };
}

function emptied({ buckets: { boundaries, counts } }: Histogram): Histogram {
  return { buckets: { boundaries, counts: counts.map(() => 0) }, sum: 0, count: 0 };
}
