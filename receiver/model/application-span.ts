/** What is used of a SERVER span that an application exported. */
export interface ServerSpan {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** As `spanId`; '' when the request came without a context. */
  readonly parentSpanId: string;
  readonly startUnixNs: bigint;
  readonly endUnixNs: bigint;
  /** `process.pid` of its resource: as the process is called in its own pid namespace. */
  readonly pid?: number;
  /** `service.name` of its resource. */
  readonly service?: string;
  /** Who asked, as the server's socket had it; an IPv4-mapped address is plain IPv4. */
  readonly peerAddress?: string;
  readonly peerPort?: number;
  /** HTTP/1.0 or 1.1: one request at a time on a connection. */
  readonly isHttp1: boolean;
}
