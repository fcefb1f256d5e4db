import type { HrTime } from '@opentelemetry/api';
import type { DataPoint, Histogram, MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, DataPointType, MetricReader } from '@opentelemetry/sdk-metrics';
import { attributeKey } from '../aggregate/attribute-key.ts';
import type { MetricSource } from '../aggregate/metric-source.ts';
import { earlier, Timeline, type Interval } from '../aggregate/timeline.ts';

type Value = number | Histogram;

/** A value as the SDK has it, and the end of the collection that it left with. */
interface Departure {
  readonly value: Value;
  readonly time: HrTime;
}

/** One series. */
interface State {
  startTime: HrTime;
  /** What it had at its start. */
  base?: Value;
  left?: Departure | undefined;
  arrived?: Departure | undefined;
}

const nsPerMs = 1_000_000n;

/** Collects on demand: the metric loop asks, nothing is exported from here. */
class PullReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * A source over the SDK's reader. The reader is cumulative always, since its first day; deltas, and sums that
 * begin anew because the clock was set back, are taken here against what is known to have arrived. So a failed
 * export costs nothing. Times are those of the collections, as for all other metrics.
 */
export class AgentReader implements MetricSource {
  readonly reader: MetricReader = new PullReader();
  readonly #isDelta: boolean;
  readonly #timeline: Timeline;
  /** As many as the SDK has series, which it bounds. */
  readonly #states = new Map<string, State>();
  /** Points of the last collection: they have arrived, unless they come back before the next one. */
  readonly #pending = new Map<DataPoint<Value>, State>();

  /** As the SDK had it at the last collection: cumulative, whatever is exported. */
  latest: ResourceMetrics | undefined;

  constructor(isDelta: boolean, timeline = new Timeline(BigInt(Date.now()) * nsPerMs)) {
    this.#isDelta = isDelta;
    this.#timeline = timeline;
  }

  async collect(nowUnixNs: bigint): Promise<ResourceMetrics[]> {
    const interval = this.#timeline.advance(nowUnixNs);
    this.#pending.clear();
    for (const state of this.#states.values()) this.#begin(state, interval);
    const resourceMetrics = await this.look();
    const scopeMetrics = resourceMetrics.scopeMetrics
      .map(({ scope, metrics }) => ({
        scope,
        metrics: metrics
          .map((data) => this.#convert(data, interval))
          .filter((data) => data.dataPoints.length > 0),
      }))
      .filter(({ metrics }) => metrics.length > 0);
    return scopeMetrics.length === 0 ? [] : [{ resource: resourceMetrics.resource, scopeMetrics }];
  }

  /** Reads anew what `latest` is, for nobody to export. */
  async look(): Promise<ResourceMetrics> {
    const { resourceMetrics } = await this.reader.collect();
    this.latest = resourceMetrics;
    return resourceMetrics;
  }

  restore(failed: readonly ResourceMetrics[]): void {
    for (const { scopeMetrics } of failed) {
      for (const data of scopeMetrics.flatMap((s) => s.metrics)) {
        for (const point of data.dataPoints as DataPoint<Value>[]) {
          const state = this.#pending.get(point);
          if (state !== undefined) state.left = undefined;
        }
      }
    }
  }

  /** Where the series' next point begins. */
  #begin(state: State, { setBackNs }: Interval): void {
    state.arrived = state.left ?? state.arrived;
    state.left = undefined;
    const { arrived } = state;
    if (arrived !== undefined && (this.#isDelta || setBackNs > 0n)) {
      state.base = arrived.value;
      state.startTime = arrived.time;
    }
    if (setBackNs === 0n) return;
    state.startTime = earlier(state.startTime, setBackNs);
    if (arrived !== undefined)
      state.arrived = { value: arrived.value, time: earlier(arrived.time, setBackNs) };
  }

  #convert(data: MetricData, { start, end }: Interval): MetricData {
    const isSum = data.dataPointType === DataPointType.HISTOGRAM || isCounter(data);
    const isDelta = isSum && this.#isDelta;
    const dataPoints = (data.dataPoints as DataPoint<Value>[]).flatMap((point) => {
      const state = this.#stateOf(`${data.descriptor.name} ${attributeKey(point.attributes)}`, start);
      const value = isSum ? valueSince(state, point.value, isDelta) : point.value;
      if (isDelta && (typeof value === 'number' ? value : value.count) === 0) return [];
      if (isSum) state.left = { value: point.value, time: end };
      const converted = { startTime: state.startTime, endTime: end, attributes: point.attributes, value };
      this.#pending.set(converted, state);
      return [converted];
    });
    const temporality = isDelta ? AggregationTemporality.DELTA : data.aggregationTemporality;
    return { ...data, aggregationTemporality: temporality, dataPoints } as MetricData;
  }

  #stateOf(key: string, startTime: HrTime): State {
    let state = this.#states.get(key);
    if (state === undefined) {
      state = { startTime };
      this.#states.set(key, state);
    }
    return state;
  }
}

function isCounter(data: MetricData): boolean {
  return data.dataPointType === DataPointType.SUM && data.isMonotonic;
}

function valueSince({ base }: State, value: Value, isDelta: boolean): Value {
  if (base !== undefined) return gain(value, base);
  return isDelta ? withoutRange(value) : value;
}

/** The extremes of one interval cannot be had from cumulative ones. */
function withoutRange(value: Value): Value {
  if (typeof value === 'number') return value;
  const { buckets, count, sum = 0 } = value;
  return { buckets, count, sum };
}

function gain(now: Value, last: Value): Value {
  if (typeof now === 'number') return now - (last as number);
  const before = last as Histogram;
  const { boundaries, counts } = now.buckets;
  return {
    buckets: { boundaries, counts: counts.map((count, i) => count - (before.buckets.counts[i] ?? 0)) },
    count: now.count - before.count,
    sum: (now.sum ?? 0) - (before.sum ?? 0),
  };
}
