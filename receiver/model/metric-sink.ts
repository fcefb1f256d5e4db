import type { Attributes } from '@opentelemetry/api';
import type { MetricDescriptor } from '../../semconv/index.ts';
import type { ObservedResource } from './resource.ts';

/** What a histogram gained: `counts` has one more entry than the metric's boundaries. */
export interface HistogramDelta {
  readonly counts: readonly number[];
  /** In the metric's unit. */
  readonly sum: number;
}

/** A counter that rarely counts, with the attributes that it would have. */
export type RareSeries = readonly [metric: MetricDescriptor, attributes: Attributes];

/** Where the sums of families go as measurements. Implemented by `aggregate/`. */
export interface MetricSink {
  /** Counter: adds a non-negative delta. */
  add(metric: MetricDescriptor, resource: ObservedResource, attributes: Attributes, delta: number): void;
  /** Histogram: adds a delta whose buckets are those of `metric.boundaries`. */
  addHistogram(
    metric: MetricDescriptor,
    resource: ObservedResource,
    attributes: Attributes,
    delta: HistogramDelta,
  ): void;
  /**
   * UpDownCounter: the present value. Several calls between two collections with
   * the same resource and attributes are summed; a series not set again is dropped.
   */
  set(metric: MetricDescriptor, resource: ObservedResource, attributes: Attributes, value: number): void;
  /**
   * These counters of a workload that measured something are there at zero, as long as they count nothing. They
   * are asked for once for each `by` and resource, at a collection.
   */
  expect(resource: ObservedResource, by: object, series: () => readonly RareSeries[]): void;
}
