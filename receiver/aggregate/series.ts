import type { Attributes, HrTime } from '@opentelemetry/api';
import type { DataPoint, Histogram } from '@opentelemetry/sdk-metrics';
import type { MetricDescriptor } from '../../semconv/index.ts';
import type { HistogramDelta } from '../model/metric-sink.ts';
import type { ObservedResource } from '../model/resource.ts';
import type { Exemplar } from './exemplar.ts';
import { isEarlier } from './hr-time.ts';
import { earlier } from './timeline.ts';

/** Which metric of which resource: what a series and its points belong to. */
export interface StreamIdentity {
  readonly metric: MetricDescriptor;
  readonly observed: ObservedResource;
}

/**
 * A data point that still knows its stream. `isMoved`: what it holds was taken out of
 * the store, so it must be put back when it could not be exported.
 */
export interface StoredPoint<T extends number | Histogram> extends DataPoint<T> {
  readonly stream: StreamIdentity;
  readonly isMoved: boolean;
  /** Examples of what it holds. */
  exemplars?: readonly Exemplar[];
}

/** A value that left. */
export interface Departure {
  readonly value: number | Histogram;
  readonly time: HrTime;
}

/** One attribute set of one stream. Numbers use `value`; histograms use `counts`, `value` being the sum. */
export interface Series {
  readonly attributes: Attributes;
  startTime: HrTime;
  value: number;
  readonly counts: number[] | undefined;
  /** Whether anything arrived since the last collection. */
  isTouched: boolean;
  /** Up-down counters: the last value that left was not zero. It is taken back by a zero when nothing sets it again. */
  isShown: boolean;
  /** Collections that a cumulative sum left in without having gained anything. */
  idle: number;
  /** Whether its slot was given back: it must not be used again. */
  isFreed: boolean;
  /** Cumulative sums: what the last collection took, until it comes back. */
  left?: Departure | undefined;
  /** What is known to have arrived before that. */
  arrived?: Departure | undefined;
}

/** `counts` gets `bucketCount` zeros when that is not 0. */
export function createSeries(attributes: Attributes, startTime: HrTime, bucketCount: number): Series {
  const counts = bucketCount === 0 ? undefined : new Array<number>(bucketCount).fill(0);
  return {
    attributes,
    startTime,
    value: 0,
    counts,
    isTouched: false,
    isShown: false,
    idle: 0,
    isFreed: false,
  };
}

/** Adds a histogram's gain; the arrays are of equal length (checked by the store). */
export function addHistogram(series: Series, delta: HistogramDelta): void {
  const counts = series.counts as number[];
  for (let i = 0; i < counts.length; i += 1) counts[i] = (counts[i] as number) + (delta.counts[i] as number);
  series.value += delta.sum;
  series.isTouched = true;
}

/** Adds what came from elsewhere, since when that began. */
export function mergeSeries(
  series: Series | undefined,
  { startTime, value, counts }: { startTime: HrTime; value: number; counts?: readonly number[] | undefined },
): void {
  if (series === undefined) return;
  if (isEarlier(startTime, series.startTime)) series.startTime = startTime;
  if (counts === undefined) series.value += value;
  else addHistogram(series, { counts, sum: value });
  series.isTouched = true;
}

/** Sets the series back to zero, as if just created at `startTime`. */
export function resetSeries(series: Series, startTime: HrTime): void {
  series.value = 0;
  series.counts?.fill(0);
  series.startTime = startTime;
}

/** A cumulative value leaves: the one before it did not come back. */
export function noteDeparture(series: Series, departure: Departure): void {
  if (series.left !== undefined) series.arrived = series.left;
  series.left = departure;
}

/** The clock was set back by so many nanoseconds: everything began as much earlier by the new time. */
export function shiftSeries(series: Series, setBackNs: bigint): void {
  series.startTime = earlier(series.startTime, setBackNs);
}

/**
 * The same for a cumulative sum: points of one start go forward in time, so it begins anew with what
 * has not arrived yet.
 */
export function beginAnew(series: Series, setBackNs: bigint): void {
  const arrived = series.left ?? series.arrived;
  if (arrived !== undefined) {
    takeOut(series, arrived.value);
    series.startTime = arrived.time;
  }
  series.left = undefined;
  series.arrived = undefined;
  shiftSeries(series, setBackNs);
}

function takeOut(series: Series, value: number | Histogram): void {
  if (typeof value === 'number') {
    series.value -= value;
    return;
  }
  series.value -= value.sum ?? 0;
  series.counts?.forEach((count, i, counts) => (counts[i] = count - (value.buckets.counts[i] ?? 0)));
}

/** The histogram value of a point: a copy, since the series goes on. */
export function histogramValue(series: Series, boundaries: readonly number[]): Histogram {
  const counts = (series.counts as number[]).slice();
  let count = 0;
  for (const bucket of counts) count += bucket;
  return { buckets: { boundaries: boundaries as number[], counts }, sum: series.value, count };
}
