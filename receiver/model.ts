import type { Attributes } from '@opentelemetry/api';
import type { MetricDescriptor } from '../semconv/index.ts';

/**
 * A process as the kernel saw it at the event. Never looked up later: a process
 * that lived for a millisecond is still named right.
 */
export interface Owner {
  /** Thread group id in the initial pid namespace; 0 when no owner is known. */
  readonly pid: number;
  /** `task_struct.start_boottime` of the group leader, nanoseconds since boot (CLOCK_BOOTTIME). */
  readonly startNs: bigint;
  /** `comm` of the group leader, at most 15 bytes. */
  readonly command: string;
  /** Base name of the executable file, '' when the kernel could not tell. */
  readonly executable: string;
  /** cgroup v2 id (inode number of its directory), 0n when unknown. */
  readonly cgroupId: bigint;
  /** Inode number of the network namespace. */
  readonly netns: number;
}

/** One OTLP resource: an observed workload, the host, or the agent itself. */
export interface ObservedResource {
  /** Stable identity: equal ids mean one OTLP resource. */
  readonly id: string;
  readonly kind: 'workload' | 'host' | 'agent';
  readonly attributes: Attributes;
}

/** What a histogram gained: `counts` has one more entry than the metric's boundaries. */
export interface HistogramDelta {
  readonly counts: readonly number[];
  /** In the metric's unit. */
  readonly sum: number;
}

/** Where collectors put what the kernel summed. Implemented by `aggregate/`. */
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
}

/** Application trace context that an event belongs to, with the evidence for it. */
export interface TraceContext {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** W3C trace-flags; bit 0 is `sampled`. */
  readonly traceFlags: number;
  /** `wirespan.correlation.method`. */
  readonly method: string;
  /** `wirespan.correlation.confidence`. */
  readonly confidence: string;
}

/** A log-record event ready for export. */
export interface NetworkEvent {
  readonly name: string;
  readonly resource: ObservedResource;
  readonly scope: string;
  readonly severityNumber: number;
  readonly timeUnixNs: bigint;
  readonly observedTimeUnixNs: bigint;
  readonly attributes: Attributes;
  readonly context?: TraceContext;
}

/** A span ready for export; kind is always INTERNAL. */
export interface NetworkSpan {
  readonly name: string;
  readonly resource: ObservedResource;
  readonly scope: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceFlags: number;
  readonly startUnixNs: bigint;
  readonly endUnixNs: bigint;
  readonly attributes: Attributes;
  /** `Error` status when true; `error.type` is then among the attributes. */
  readonly failed: boolean;
  readonly links: readonly { traceId: string; spanId: string; traceFlags: number }[];
}
