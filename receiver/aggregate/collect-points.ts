import { ValueType } from '@opentelemetry/api';
import type { Histogram, MetricData } from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics';
import type { MetricDescriptor } from '../../semconv/index.ts';
import type { Series, StoredPoint } from './series.ts';
import { beginAnew, histogramValue, noteDeparture, resetSeries, shiftSeries } from './series.ts';
import type { Stream } from './stream.ts';
import type { Interval } from './timeline.ts';

/** How one collection takes points out of streams. */
export interface SumsContext {
  readonly isDelta: boolean;
  readonly interval: Interval;
  /** Cumulative sums that were idle in so many collections are over; 0: none is. */
  readonly overAfter: number;
}

const noBoundaries: readonly number[] = [];

/** Whether the metric's points are the gain since the last collection. */
function isDeltaMetric(metric: MetricDescriptor, isDelta: boolean): boolean {
  return isDelta && (metric.instrument === 'counter' || metric.instrument === 'histogram');
}

/** Whether the metric is set to its present value, instead of added to. */
export function isSetMetric(metric: MetricDescriptor): boolean {
  return metric.instrument === 'updowncounter' || metric.instrument === 'gauge';
}

/** The stream's points as SDK metric data; `undefined` when it has none. Frees what is over. */
export function collectStream(stream: Stream, context: SumsContext): MetricData | undefined {
  const isHistogram = stream.metric.instrument === 'histogram';
  const data = isHistogram
    ? histogramData(stream, collectPoints(stream, context, histogramOf), context)
    : numberData(stream, collectPoints(stream, context, numberOf), context);
  return data.dataPoints.length === 0 ? undefined : data;
}

function collectPoints<T extends number | Histogram>(
  stream: Stream,
  context: SumsContext,
  valueOf: (series: Series, stream: Stream) => T,
): StoredPoint<T>[] {
  const points: StoredPoint<T>[] = [];
  const isDelta = isDeltaMetric(stream.metric, context.isDelta);
  const isSet = isSetMetric(stream.metric);
  const { end: endTime, setBackNs } = context.interval;
  const goesOn = ({ idle }: Series): boolean =>
    !isDelta && !isSet && (context.overAfter === 0 || idle < context.overAfter);
  const isEmitted = (series: Series): boolean => series.isTouched || series.isShown || goesOn(series);
  stream.freeIf((series) => !isEmitted(series));
  for (const series of stream.series()) {
    if (setBackNs > 0n) (isDelta || isSet ? shiftSeries : beginAnew)(series, setBackNs);
    if (!isEmitted(series)) continue;
    const value = valueOf(series, stream);
    const { startTime, attributes } = series;
    points.push({ startTime, endTime, attributes, value, stream, isMoved: isDelta });
    series.idle = series.isTouched ? 0 : series.idle + 1;
    series.isTouched = false;
    series.isShown = stream.metric.instrument === 'updowncounter' && series.value !== 0;
    if (isDelta) resetSeries(series, endTime);
    else if (isSet) series.value = 0;
    else noteDeparture(series, { value, time: endTime });
  }
  return points;
}

function numberOf(series: Series): number {
  return series.value;
}

function histogramOf(series: Series, stream: Stream): Histogram {
  return histogramValue(series, stream.metric.boundaries ?? noBoundaries);
}

function temporalityOf(stream: Stream, context: SumsContext): AggregationTemporality {
  return isDeltaMetric(stream.metric, context.isDelta)
    ? AggregationTemporality.DELTA
    : AggregationTemporality.CUMULATIVE;
}

function describe({ metric }: Stream): MetricData['descriptor'] {
  const { name, description, unit, valueType } = metric;
  return { name, description, unit, valueType: valueType === 'int' ? ValueType.INT : ValueType.DOUBLE };
}

function histogramData(
  stream: Stream,
  dataPoints: StoredPoint<Histogram>[],
  context: SumsContext,
): MetricData {
  return {
    descriptor: describe(stream),
    aggregationTemporality: temporalityOf(stream, context),
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints,
  };
}

function numberData(stream: Stream, dataPoints: StoredPoint<number>[], context: SumsContext): MetricData {
  const base = {
    descriptor: describe(stream),
    aggregationTemporality: temporalityOf(stream, context),
    dataPoints,
  };
  return stream.metric.instrument === 'gauge'
    ? { ...base, dataPointType: DataPointType.GAUGE }
    : { ...base, dataPointType: DataPointType.SUM, isMonotonic: stream.metric.instrument === 'counter' };
}
