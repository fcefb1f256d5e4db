import type { Attributes, HrTime } from '@opentelemetry/api';
import type { Histogram, MetricData, ResourceMetrics, ScopeMetrics } from '@opentelemetry/sdk-metrics';
import { SCOPE_NAMES, type MetricDescriptor } from '../../semconv/index.ts';
import type { HistogramDelta, MetricSink, RareSeries } from '../model/metric-sink.ts';
import type { ObservedResource } from '../model/resource.ts';
import { collectStream, isSetMetric } from './collect-points.ts';
import { foldResources, type FoldInto } from './fold-resources.ts';
import { scopeOf } from './instrumentation-scopes.ts';
import type { MetricSource } from './metric-source.ts';
import type { MetricStoreOptions } from './metric-store-options.ts';
import { createEntry, isShown, overAfterOf, type ResourceEntry } from './resource-entry.ts';
import { createSeriesBudget, type OverflowCounts, type SeriesBudget } from './series-budget.ts';
import { MAX_SERVER_PORTS } from './server-ports.ts';
import { addHistogram, mergeSeries, type Series, type StoredPoint } from './series.ts';
import { Stream } from './stream.ts';
import { Timeline, type Interval } from './timeline.ts';

/** Sums by metric, resource and attributes, within bounds, without losing or doubling anything. */
export interface MetricStore extends MetricSink, MetricSource {
  collect(nowUnixNs: bigint): ResourceMetrics[];
  /** The resource is gone (its process died): it is exported once more, then freed. */
  retire(resourceId: string): void;
  seriesCount(): number;
  seriesLimit(): number;
  resourceCount(): number;
  /** Attributes of the workload resources that are here. */
  resourceBytes(): number;
  overflowed(): OverflowCounts;
}

const defaultMaxSeries = 50_000;
const defaultMaxPoints = 2000;
const defaultStaleAfter = 60;

/**
 * The agent's metric store.
 *
 * Start times: a delta point starts where the last collection ended. A cumulative series starts
 * where the collection before its first measurement ended (the agent's start when there was
 * none), because the kernel summed since then; so a resource that comes back never overlaps itself.
 * When the clock was set back behind the last collection, all of it is told by the new time, and
 * cumulative sums begin anew: for each start, times only go forward and values only grow.
 */
export function createMetricStore(options: MetricStoreOptions): MetricStore {
  return new Store(options);
}

class Store implements MetricStore {
  readonly #entries = new Map<string, ResourceEntry>();
  readonly #budget: SeriesBudget;
  readonly #isDelta: boolean;
  readonly #maxPoints: number;
  readonly #maxPorts: number;
  readonly #staleAfter: number;
  readonly #spill: ObservedResource;
  readonly #foldInto: FoldInto | undefined;
  readonly #timeline: Timeline;
  #resourceBytes = 0;
  #collections = 0;
  #overflowed = 0;
  #spilled = 0;
  #refused = 0;
  /** Measurements that had one port too many, of resources that are gone. */
  #overPorts = 0;

  constructor(options: MetricStoreOptions) {
    this.#budget = createSeriesBudget(Math.max(2, options.maxSeries ?? defaultMaxSeries));
    this.#isDelta = options.temporality !== 'cumulative';
    this.#maxPoints = options.maxPointsPerMetricAndResource ?? defaultMaxPoints;
    this.#maxPorts = options.maxServerPorts ?? MAX_SERVER_PORTS;
    this.#staleAfter = options.staleAfterCollections ?? defaultStaleAfter;
    this.#spill = options.spillResource ?? { id: 'wirespan.overflow', kind: 'host', attributes: {} };
    this.#foldInto = options.foldInto;
    this.#timeline = new Timeline(options.startUnixNs, options.monotonicNs);
  }

  add(metric: MetricDescriptor, resource: ObservedResource, attributes: Attributes, delta: number): void {
    // Also refuses NaN.
    if (metric.instrument !== 'counter' || !(delta >= 0 && delta < Infinity)) this.#refused += 1;
    else if (delta > 0) this.#gain(metric, resource, attributes, delta);
  }

  addHistogram(
    metric: MetricDescriptor,
    resource: ObservedResource,
    attributes: Attributes,
    delta: HistogramDelta,
  ): void {
    const bucketCount = (metric.boundaries?.length ?? 0) + 1;
    if (
      metric.instrument !== 'histogram' ||
      delta.counts.length !== bucketCount ||
      !Number.isFinite(delta.sum)
    ) {
      this.#refused += 1;
      return;
    }
    const series = this.#series(metric, resource, attributes);
    if (series !== undefined) addHistogram(series, delta);
  }

  set(metric: MetricDescriptor, resource: ObservedResource, attributes: Attributes, value: number): void {
    if (!isSetMetric(metric) || !Number.isFinite(value)) this.#refused += 1;
    else this.#gain(metric, resource, attributes, value);
  }

  expect(resource: ObservedResource, by: object, series: () => readonly RareSeries[]): void {
    if (!this.#isDelta && resource.kind === 'workload')
      this.#entries.get(resource.id)?.expected.add(by, series);
  }

  retire(resourceId: string): void {
    const entry = this.#entries.get(resourceId);
    if (entry !== undefined) entry.isRetired = true;
  }

  collect(nowUnixNs: bigint): ResourceMetrics[] {
    const interval = this.#timeline.advance(nowUnixNs);
    const collected: ResourceMetrics[] = [];
    if (this.#foldInto !== undefined) this.#fold(this.#foldInto);
    for (const [id, entry] of this.#entries) {
      if (entry.isLeaving) {
        this.#free(id, entry);
        continue;
      }
      entry.wasCollected = true;
      this.#addExpected(entry, interval.start);
      const scopeMetrics = this.#collectEntry(entry, interval);
      if (scopeMetrics.length > 0) collected.push({ resource: entry.resource, scopeMetrics });
      entry.isLeaving =
        entry.streams.size === 0 || ((entry.isRetired || this.#isStale(entry)) && !isShown(entry));
    }
    this.#collections += 1;
    return collected;
  }

  /** What is over already counts no more: it needs no zeros. */
  #addExpected(entry: ResourceEntry, startTime: HrTime): void {
    for (const [metric, attributes] of entry.expected.take(entry.isRetired)) {
      const stream = this.#stream(entry, metric);
      stream.expect(attributes, startTime);
      if (stream.size === 0) entry.streams.delete(metric.name);
    }
  }

  #fold(foldInto: FoldInto): void {
    const folded = foldResources(this.#entries, foldInto, (metric, into, from) => {
      if (from.isTouched) mergeSeries(this.#series(metric, into, from.attributes, from.startTime), from);
    });
    for (const entry of folded) this.#free(entry.observed.id, entry);
  }

  restore(failed: readonly ResourceMetrics[]): void {
    for (const { scopeMetrics } of failed) {
      for (const { metrics } of scopeMetrics) {
        for (const data of metrics) {
          for (const point of data.dataPoints) this.#putBack(point as StoredPoint<number | Histogram>);
        }
      }
    }
  }

  seriesCount(): number {
    return this.#budget.used();
  }

  seriesLimit(): number {
    return this.#budget.limit;
  }

  resourceCount(): number {
    return this.#entries.size;
  }

  resourceBytes(): number {
    return this.#resourceBytes;
  }

  overflowed(): OverflowCounts {
    let overPorts = this.#overPorts;
    for (const { ports } of this.#entries.values()) overPorts += ports.refused;
    return { overflowed: this.#overflowed, spilled: this.#spilled, refused: this.#refused, overPorts };
  }

  #gain(metric: MetricDescriptor, resource: ObservedResource, attributes: Attributes, value: number): void {
    const series = this.#series(metric, resource, attributes);
    if (series === undefined) return;
    series.value += value;
    series.isTouched = true;
  }

  /** The series that a measurement goes to; counts what does not go to its own. */
  #series(
    metric: MetricDescriptor,
    resource: ObservedResource,
    attributes: Attributes,
    startTime = this.#timeline.last,
  ): Series | undefined {
    const entry = this.#entry(resource);
    const stream = this.#stream(entry, metric);
    this.#touch(entry);
    const own = stream.find(attributes, startTime);
    if (own !== undefined) return own;
    entry.isTight = true;
    const overflow = stream.findOverflow(startTime, false);
    if (overflow !== undefined) {
      this.#overflowed += 1;
      return overflow;
    }
    if (stream.size === 0) this.#forget(entry, metric);
    return this.#spillSeries(metric, startTime);
  }

  #spillSeries(metric: MetricDescriptor, startTime: HrTime): Series | undefined {
    const entry = this.#entry(this.#spill);
    this.#touch(entry);
    const series = this.#stream(entry, metric).findOverflow(startTime, true);
    if (series === undefined) this.#refused += 1;
    else this.#spilled += 1;
    return series;
  }

  #touch(entry: ResourceEntry): void {
    entry.touchedAt = this.#collections;
    entry.isLeaving = false;
  }

  #entry(observed: ObservedResource): ResourceEntry {
    let entry = this.#entries.get(observed.id);
    if (entry === undefined) {
      entry = createEntry(observed, this.#maxPorts, this.#budget.share());
      this.#entries.set(observed.id, entry);
      this.#resourceBytes += entry.resourceBytes;
    }
    return entry;
  }

  #stream(entry: ResourceEntry, metric: MetricDescriptor): Stream {
    let stream = entry.streams.get(metric.name);
    if (stream === undefined) {
      stream = new Stream(metric, entry, this.#maxPoints);
      entry.streams.set(metric.name, stream);
    }
    return stream;
  }

  /** Drops a stream, and a resource, that found no room at all: neither may pile up. */
  #forget(entry: ResourceEntry, metric: MetricDescriptor): void {
    entry.streams.delete(metric.name);
    if (entry.streams.size === 0) this.#free(entry.observed.id, entry);
  }

  #isStale(entry: ResourceEntry): boolean {
    return this.#staleAfter > 0 && this.#collections - entry.touchedAt >= this.#staleAfter;
  }

  #collectEntry(entry: ResourceEntry, interval: Interval): ScopeMetrics[] {
    const byScope = new Map<string, MetricData[]>();
    const overAfter = overAfterOf(entry, this.#staleAfter);
    for (const [name, stream] of entry.streams) {
      const data = collectStream(stream, { isDelta: this.#isDelta, interval, overAfter });
      if (stream.size === 0) entry.streams.delete(name);
      if (data === undefined) continue;
      const scope = SCOPE_NAMES[stream.metric.scope];
      const metrics = byScope.get(scope);
      if (metrics === undefined) byScope.set(scope, [data]);
      else metrics.push(data);
    }
    return [...byScope].map(([scope, metrics]) => ({ scope: scopeOf(scope), metrics }));
  }

  #free(id: string, entry: ResourceEntry): void {
    for (const stream of entry.streams.values()) stream.free();
    this.#overPorts += entry.ports.refused;
    this.#entries.delete(id);
    this.#resourceBytes -= entry.resourceBytes;
  }

  #putBack(point: StoredPoint<number | Histogram>): void {
    const { metric, observed } = point.stream;
    if (!point.isMoved) return this.#putBackState(point);
    const { startTime, value, attributes } = point;
    const gain =
      typeof value === 'number' ? { value } : { value: value.sum ?? 0, counts: value.buckets.counts };
    mergeSeries(this.#series(metric, observed, attributes, startTime), { startTime, ...gain });
  }

  /** A state that goes on; but of a resource that is leaving, and of a value that ends, it was the last word. */
  #putBackState({ stream: { metric, observed }, attributes }: StoredPoint<number | Histogram>): void {
    const entry = this.#entries.get(observed.id);
    if (entry === undefined) return;
    entry.isLeaving = false;
    const series = entry.streams.get(metric.name)?.known(attributes);
    if (series === undefined) return;
    series.left = undefined;
    series.idle = 0;
    // What is exported next, a zero at least, takes its place.
    if (isSetMetric(metric)) series.isShown = true;
  }
}
