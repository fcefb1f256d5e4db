import type { ExportOptions, RetryOptions } from '../export/options.ts';
import type { ServerAddress } from '../serve/listen.ts';

/** The OTLP endpoint for local applications, every value settled and checked: as the configuration gives it. */
export interface TapOptions {
  /** Absent: not taken over this transport. */
  readonly grpc?: ServerAddress;
  readonly http?: ServerAddress;
  /** Most requests that wait to be sent on, of all signals. */
  readonly queueSize: number;
  /** Most bytes of them. */
  readonly queueBytes: number;
  /** Most bytes of one request; uncompressed over gRPC. */
  readonly maxRequestBytes: number;
  /** Most connections at once, of each transport. */
  readonly maxConnections: number;
  /** Longest time for one request, milliseconds, its retries included. */
  readonly timeoutMs: number;
  /** Default: that of the exporters. */
  readonly retry?: RetryOptions;
  /** Where requests are sent on to; that a signal of the agent's own is switched off means nothing here. */
  readonly otlp: ExportOptions['otlp'];
}
