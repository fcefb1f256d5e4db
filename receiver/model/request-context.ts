/** Trace context that the kernel read from a request or of a thread, or was told of, and where its bytes begin. */
export interface RequestContext {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** W3C trace-flags; bit 0 is `sampled`. */
  readonly traceFlags: number;
  /** How it was found: `wirespan.correlation.method`. */
  readonly method:
    | 'http1_header'
    | 'h2_header'
    | 'h2_stream'
    | 'http1_window'
    | 'sdk_hook'
    | 'thread_ctx'
    | 'node_ctx'
    | 'tls_inherit'
    | 'otlp_server';
  /** TCP sequence number (32 bits) of the first byte of the request. */
  readonly startSeq: number;
  /**
   * CLOCK_MONOTONIC of the write that began the request, or of its arrival at a server; 0n when unknown. Of
   * `otlp_server` no earlier than the span.
   */
  readonly requestStartNs: bigint;
  /** When the request arrived, where that is known; `otlp_server` alone has it. */
  readonly arrivedNs?: bigint;
}
