/** The OTLP signals, named as in the standard environment variables. */
export type Signal = 'metrics' | 'traces' | 'logs';

/** Signals that wait in a queue. */
export type QueuedSignal = Exclude<Signal, 'metrics'>;

export type OtlpProtocol = 'grpc' | 'http/protobuf';

/** Where and how one signal is sent, every value settled and checked: as the configuration gives it. */
export interface OtlpTarget {
  /** When it is false, items of the signal are not even accepted. */
  readonly enabled: boolean;
  /** An `http:` or `https:` URL, which decides on TLS. gRPC uses its host and port, HTTP posts to the whole of it. */
  readonly endpoint: string;
  /** No scheme was given, which means TLS over gRPC. */
  readonly isTlsAssumed?: boolean;
  readonly protocol: OtlpProtocol;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds for one request, from its first to its last byte. */
  readonly timeoutMs: number;
  readonly compression: 'none' | 'gzip';
  /** PEM file with the trusted certificates; absent: those of the system. */
  readonly certificate?: string;
  /** PEM file with the client's private key. */
  readonly clientKey?: string;
  /** PEM file with the client's chain. */
  readonly clientCertificate?: string;
}

/** What stands between the agent and a collector. */
export interface Proxy {
  /** With the credentials for it: a secret. */
  readonly url: string;
  /** Scheme, host and port, for messages. */
  readonly origin: string;
  /** Where it was set. */
  readonly variable: string;
}

/** The target with the signal that is sent there. */
export interface SignalTarget extends OtlpTarget {
  readonly signal: Signal;
  /** What messages call it: scheme, host and port, without path and credentials. */
  readonly origin: string;
  /** By which it is sent there; absent: directly. */
  readonly proxy?: Proxy;
}

/** Waits between attempts while the collector does not take data. */
export interface RetryOptions {
  /** First wait, milliseconds. */
  readonly initialMs: number;
  /** Longest wait, milliseconds. */
  readonly maxMs: number;
}

export const DEFAULT_RETRY: RetryOptions = { initialMs: 1000, maxMs: 30_000 };

/** Bounds of the queue of one signal. */
export interface QueueOptions {
  /** Most items that wait; what comes on top is dropped and counted. */
  readonly queueSize: number;
  /** Most items in one request. */
  readonly batchSize: number;
  /** A smaller batch leaves after so long, milliseconds. */
  readonly delayMs: number;
  /** A batch is given up after so long, milliseconds. */
  readonly timeoutMs: number;
}

/** Everything the exporters need, as plain values: nothing is inherited or read from the environment here. */
export interface ExportOptions {
  readonly otlp: Readonly<Record<Signal, OtlpTarget>>;
  readonly queues: Readonly<Record<QueuedSignal, QueueOptions>>;
  /** Default: `DEFAULT_RETRY`. */
  readonly retry?: RetryOptions;
}
