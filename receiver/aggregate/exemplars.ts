import type { Attributes } from '@opentelemetry/api';
import type { Histogram, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { MetricDescriptor } from '../../semconv/index.ts';
import { bucketOf } from '../model/bucket.ts';
import type { ObservedResource } from '../model/resource.ts';
import { attributeKey } from './attribute-key.ts';
import type { Exemplar } from './exemplar.ts';
import { isEarlier } from './hr-time.ts';
import type { MetricSource } from './metric-source.ts';
import type { StoredPoint } from './series.ts';

export interface ExemplarCounters {
  /** Waiting for the next collection, over all series. */
  readonly waiting: number;
  /** Left out because examples of too many series wait already. */
  readonly leftOut: number;
  /** Whose series was not exported, or only before they came. */
  readonly unmatched: number;
}

/** Exemplars of one series, until it is collected. */
interface Waiting {
  readonly metric: MetricDescriptor;
  readonly resourceId: string;
  /** Histograms: by bucket, the last of each. Others: any few. */
  readonly slots: (Exemplar | undefined)[];
  /** Offered since the slots were last empty. */
  offered: number;
  /** Collections in which its series was not exported. */
  passed: number;
}

const maxPerSeries = 4;
const defaultMaxSeries = 1_000;
/** A sum can be read one collection after the event that explains it. */
const maxPassed = 2;

/**
 * Keeps a few exemplars a series and interval, and lays them on the series' points. A counter keeps four,
 * each measurement with the same chance; a histogram the last of each bucket. Bound: `maxSeries` series
 * at once, more are left out and counted; the measurements themselves are in the sums, whatever happens here.
 */
export class ExemplarStore {
  readonly #maxSeries: number;
  readonly #random: () => number;
  readonly #waiting = new Map<string, Waiting>();
  #leftOut = 0;
  #unmatched = 0;

  constructor(maxSeries = defaultMaxSeries, random: () => number = Math.random) {
    this.#maxSeries = maxSeries;
    this.#random = random;
  }

  /** A measurement that went, or will go, into the series of these attributes. */
  offer(
    metric: MetricDescriptor,
    resource: ObservedResource,
    attributes: Attributes,
    exemplar: Exemplar,
  ): void {
    const waiting = this.#of(metric, resource.id, attributes);
    if (waiting === undefined) return;
    waiting.offered += 1;
    const slot = this.#slotFor(waiting, exemplar.value);
    if (slot !== undefined) waiting.slots[slot] = exemplar;
  }

  /** Lays what waits on the points that it belongs to. */
  attach(collected: readonly ResourceMetrics[]): void {
    if (this.#waiting.size === 0) return;
    const streams = new Set([...this.#waiting.values()].map((w) => streamKey(w.metric, w.resourceId)));
    for (const point of pointsOf(collected)) {
      const { metric, observed } = point.stream;
      const stream = streamKey(metric, observed.id);
      if (!streams.has(stream)) continue;
      const key = stream + attributeKey(point.attributes);
      const waiting = this.#waiting.get(key);
      if (waiting === undefined) continue;
      const exemplars = this.#take(waiting, point);
      if (exemplars.length > 0) point.exemplars = exemplars;
      if (countOf(waiting) === 0) this.#waiting.delete(key);
    }
    this.#age();
  }

  /** The points could not be exported: their exemplars wait for the next collection. */
  restore(failed: readonly ResourceMetrics[]): void {
    for (const point of pointsOf(failed)) {
      const { metric, observed } = point.stream;
      for (const exemplar of point.exemplars ?? []) this.offer(metric, observed, point.attributes, exemplar);
    }
  }

  get counters(): ExemplarCounters {
    let waiting = 0;
    for (const entry of this.#waiting.values()) waiting += countOf(entry);
    return { waiting, leftOut: this.#leftOut, unmatched: this.#unmatched };
  }

  #of(metric: MetricDescriptor, resourceId: string, attributes: Attributes): Waiting | undefined {
    const key = streamKey(metric, resourceId) + attributeKey(attributes);
    let waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    if (this.#waiting.size >= this.#maxSeries) {
      this.#leftOut += 1;
      return undefined;
    }
    waiting = { metric, resourceId, slots: [], offered: 0, passed: 0 };
    this.#waiting.set(key, waiting);
    return waiting;
  }

  /** Undefined when the measurement is not among those that are kept. */
  #slotFor({ metric, offered }: Waiting, value: number): number | undefined {
    if (metric.instrument === 'histogram') return bucketOf(value, metric.boundaries ?? []);
    if (offered <= maxPerSeries) return offered - 1;
    const slot = Math.floor(this.#random() * offered);
    return slot < maxPerSeries ? slot : undefined;
  }

  /** Those of the point. An event can be read before its sum: one whose bucket is empty waits on. */
  #take({ slots, passed }: Waiting, point: StoredPoint<number | Histogram>): Exemplar[] {
    const taken: Exemplar[] = [];
    for (const [slot, exemplar] of slots.entries()) {
      if (exemplar === undefined || isBucketEmpty(point, slot)) continue;
      slots[slot] = undefined;
      if (isOf(exemplar, point, passed)) taken.push(within(exemplar, point));
      else this.#unmatched += 1;
    }
    return taken;
  }

  /** What found no point in so many collections never will. */
  #age(): void {
    for (const [key, waiting] of this.#waiting) {
      waiting.passed += 1;
      if (waiting.passed < maxPassed) continue;
      this.#waiting.delete(key);
      this.#unmatched += countOf(waiting);
    }
  }
}

/** The source with exemplars on its points. Its points must be the store's. */
export function withExemplars(source: MetricSource, exemplars: ExemplarStore): MetricSource {
  return {
    async collect(nowUnixNs) {
      const collected = await source.collect(nowUnixNs);
      exemplars.attach(collected);
      return collected;
    },
    restore(failed) {
      source.restore(failed);
      exemplars.restore(failed);
    },
  };
}

/** A delta holds no measurement from before its start, unless its sum was read late. */
function isOf(exemplar: Exemplar, point: StoredPoint<number | Histogram>, passed: number): boolean {
  return !point.isMoved || passed > 0 || !isEarlier(exemplar.time, point.startTime);
}

/** The clock may have been set back after its time was taken. */
function within(exemplar: Exemplar, { endTime }: StoredPoint<number | Histogram>): Exemplar {
  return isEarlier(endTime, exemplar.time) ? { ...exemplar, time: endTime } : exemplar;
}

function isBucketEmpty({ value }: StoredPoint<number | Histogram>, bucket: number): boolean {
  return typeof value !== 'number' && value.buckets.counts[bucket] === 0;
}

function countOf({ slots }: Waiting): number {
  return slots.reduce((count, slot) => (slot === undefined ? count : count + 1), 0);
}

function streamKey(metric: MetricDescriptor, resourceId: string): string {
  return `${metric.name}\n${resourceId}\n`;
}

function* pointsOf(metrics: readonly ResourceMetrics[]): IterableIterator<StoredPoint<number | Histogram>> {
  for (const { scopeMetrics } of metrics) {
    for (const data of scopeMetrics.flatMap((scope) => scope.metrics)) {
      yield* data.dataPoints as StoredPoint<number | Histogram>[];
    }
  }
}
