import type { Attributes } from '@opentelemetry/api';
import type { ObservedResource } from './resource.ts';

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
