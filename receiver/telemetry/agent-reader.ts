import type { HrTime } from '@opentelemetry/api';
import type { DataPoint, Histogram, MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, DataPointType, MetricReader } from '@opentelemetry/sdk-metrics';
import { attributeKey } from '../aggregate/attribute-key.ts';
import type { MetricSource } from '../aggregate/metric-store.ts';

type Value = number | Histogram;

interface Delivered {
  readonly value: Value;
  readonly endTime: HrTime;
}

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
 * A source over the SDK's reader. The reader is cumulative always; deltas are taken here against
 * what was last delivered, so a failed export costs nothing: its point is simply not delivered.
 */
export class AgentReader implements MetricSource {
  readonly reader: MetricReader = new PullReader();
  readonly #isDelta: boolean;
  readonly #delivered = new Map<string, Delivered>();
  /** Points of the last collection: delivered, unless they come back before the next one. */
  #pending = new Map<DataPoint<Value>, [string, Delivered]>();

  constructor(isDelta: boolean) {
    this.#isDelta = isDelta;
  }

  async collect(): Promise<ResourceMetrics[]> {
    for (const [key, delivered] of this.#pending.values()) this.#delivered.set(key, delivered);
    this.#pending = new Map();
    const { resourceMetrics } = await this.reader.collect();
    const scopeMetrics = resourceMetrics.scopeMetrics
      .map(({ scope, metrics }) => ({
        scope,
        metrics: metrics.map((data) => this.#convert(data)).filter((data) => data.dataPoints.length > 0),
      }))
      .filter(({ metrics }) => metrics.length > 0);
    return scopeMetrics.length === 0 ? [] : [{ resource: resourceMetrics.resource, scopeMetrics }];
  }

  restore(failed: readonly ResourceMetrics[]): void {
    for (const { scopeMetrics } of failed) {
      for (const data of scopeMetrics.flatMap((s) => s.metrics)) {
        for (const point of data.dataPoints as DataPoint<Value>[]) this.#pending.delete(point);
      }
    }
  }

  #convert(data: MetricData): MetricData {
    const isCounter = data.dataPointType === DataPointType.SUM && data.isMonotonic;
    if (!this.#isDelta || (!isCounter && data.dataPointType !== DataPointType.HISTOGRAM)) return data;
    const dataPoints = (data.dataPoints as DataPoint<Value>[]).flatMap((point) => {
      const delta = this.#deltaOf(`${data.descriptor.name} ${attributeKey(point.attributes)}`, point);
      return delta === undefined ? [] : [delta];
    });
    return { ...data, aggregationTemporality: AggregationTemporality.DELTA, dataPoints } as MetricData;
  }

  #deltaOf(key: string, point: DataPoint<Value>): DataPoint<Value> | undefined {
    const { endTime, attributes } = point;
    const last = this.#delivered.get(key);
    const value = last === undefined ? withoutRange(point.value) : gain(point.value, last.value);
    if ((typeof value === 'number' ? value : value.count) === 0) return undefined;
    const delta = { startTime: last?.endTime ?? point.startTime, endTime, attributes, value };
    this.#pending.set(delta, [key, { value: point.value, endTime }]);
    return delta;
  }
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
