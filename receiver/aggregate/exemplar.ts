import type { HrTime } from '@opentelemetry/api';

/** One measurement of a series as an example, with the trace that it was made in. */
export interface Exemplar {
  readonly time: HrTime;
  /** In the metric's unit. */
  readonly value: number;
  /** 32 and 16 lower-case hex digits; absent without a trace context. */
  readonly traceId?: string;
  readonly spanId?: string;
}
