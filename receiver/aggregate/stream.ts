import type { Attributes, HrTime } from '@opentelemetry/api';
import type { MetricDescriptor } from '../../semconv/index.ts';
import type { ObservedResource } from '../model/resource.ts';
import { attributeKey, OVERFLOW_ATTRIBUTES } from './attribute-key.ts';
import type { SeriesShare } from './series-budget.ts';
import type { ServerPorts } from './server-ports.ts';
import type { Series, StreamIdentity } from './series.ts';
import { createSeries } from './series.ts';

/** Rows that differ in nothing that the metric shows have a series in common. */
const IDENTITIES_PER_SERIES = 4;
const overflowKey = attributeKey(OVERFLOW_ATTRIBUTES);

/** What the streams of one resource have in common. */
export interface StreamOwner {
  readonly observed: ObservedResource;
  readonly ports: ServerPorts;
  readonly share: SeriesShare;
}

/** One metric of one resource: its series, within the bounds of the stream and of its resource. */
export class Stream implements StreamIdentity {
  readonly metric: MetricDescriptor;
  readonly observed: ObservedResource;
  /** All streams of the resource have these in common. */
  readonly #ports: ServerPorts;
  /** All streams of the resource have it in common too. */
  readonly #budget: SeriesShare;
  readonly #maxSeries: number;
  readonly #bucketCount: number;
  readonly #byKey = new Map<string, Series>();
  /** Frozen attribute objects cannot change, so their series is found by identity. */
  #byIdentity = new WeakMap<Attributes, Series>();
  /** Objects put into it: it never shrinks, so it begins anew when most of them must be gone. */
  #identities = 0;
  #overflow: Series | undefined;
  #isReserved = false;

  constructor(metric: MetricDescriptor, { observed, ports, share }: StreamOwner, maxPoints: number) {
    this.metric = metric;
    this.observed = observed;
    this.#ports = ports;
    this.#budget = share;
    this.#maxSeries = Math.max(1, Math.min(metric.maxSeries, maxPoints));
    this.#bucketCount = metric.instrument === 'histogram' ? (metric.boundaries?.length ?? 0) + 1 : 0;
  }

  /** The series of `attributes`, created at `startTime` if there is room; `undefined` if not. */
  find(attributes: Attributes, startTime: HrTime): Series | undefined {
    const known = this.#byIdentity.get(attributes);
    if (known !== undefined && !known.isFreed) return known;
    const key = attributeKey(attributes);
    const series =
      key === overflowKey
        ? // What overflowed in the kernel, and what comes back, is no second series of the same attributes.
          this.findOverflow(startTime, false)
        : (this.#byKey.get(key) ?? this.#create(key, attributes, startTime));
    if (series !== undefined && Object.isFrozen(attributes)) this.#remember(attributes, series);
    return series;
  }

  /** Makes it be there at zero, where there is so much room that no measurement will miss it. */
  expect(attributes: Attributes, startTime: HrTime): void {
    if (!this.#budget.isAmple() || !this.#ports.mayTake(attributes)) return;
    const key = attributeKey(attributes);
    const series = this.#byKey.has(key) ? undefined : this.#create(key, attributes, startTime);
    if (series !== undefined) series.isTouched = true;
  }

  #remember(attributes: Attributes, series: Series): void {
    if (this.#identities >= IDENTITIES_PER_SERIES * this.#maxSeries) {
      this.#byIdentity = new WeakMap();
      this.#identities = 0;
    }
    this.#identities += 1;
    this.#byIdentity.set(attributes, series);
  }

  /** The overflow series, created at `startTime` if there is room; `undefined` if not. */
  findOverflow(startTime: HrTime, isSpill: boolean): Series | undefined {
    if (this.#overflow !== undefined) return this.#overflow;
    if (!this.#budget.takeOverflow(this.#isReserved, isSpill)) return undefined;
    this.#isReserved = false;
    this.#overflow = createSeries(OVERFLOW_ATTRIBUTES, startTime, this.#bucketCount);
    return this.#overflow;
  }

  /** The series of `attributes`, if there is one. */
  known(attributes: Attributes): Series | undefined {
    const key = attributeKey(attributes);
    return key === overflowKey ? this.#overflow : this.#byKey.get(key);
  }

  get size(): number {
    return this.#byKey.size + (this.#overflow === undefined ? 0 : 1);
  }

  /** Whether a value that left must be taken back by a zero before the stream may go. */
  get isShown(): boolean {
    for (const series of this.series()) if (series.isShown) return true;
    return false;
  }

  *series(): IterableIterator<Series> {
    yield* this.#byKey.values();
    if (this.#overflow !== undefined) yield this.#overflow;
  }

  /** Frees the series that `isOver` names; the overflow series goes last, so that its slot is never missed. */
  freeIf(isOver: (series: Series) => boolean): void {
    for (const [key, series] of this.#byKey) {
      if (!isOver(series)) continue;
      series.isFreed = true;
      this.#byKey.delete(key);
      this.#ports.release(series.attributes);
      this.#budget.release(1, false);
    }
    if (this.#byKey.size === 0 && (this.#overflow === undefined || isOver(this.#overflow))) this.free();
  }

  /** Gives every slot back. The stream may be used again afterwards. */
  free(): void {
    for (const series of this.series()) {
      series.isFreed = true;
      this.#ports.release(series.attributes);
    }
    this.#budget.release(this.size, this.#isReserved);
    this.#isReserved = false;
    this.#byKey.clear();
    this.#overflow = undefined;
  }

  #create(key: string, attributes: Attributes, startTime: HrTime): Series | undefined {
    // One place is kept for the overflow series.
    if (this.#byKey.size + 1 >= this.#maxSeries) return undefined;
    const isFirst = !this.#isReserved && this.#overflow === undefined;
    if (!this.#ports.take(attributes)) return undefined;
    if (!this.#budget.takeSeries(isFirst)) {
      this.#ports.release(attributes);
      return undefined;
    }
    if (isFirst) this.#isReserved = true;
    const owned = Object.isFrozen(attributes) ? attributes : { ...attributes };
    const series = createSeries(owned, startTime, this.#bucketCount);
    this.#byKey.set(key, series);
    return series;
  }
}
