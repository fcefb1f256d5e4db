import { EndpointError } from './endpoint-error.ts';

/** The OTLP signals, named as in the standard environment variables. */
export type Signal = 'metrics' | 'traces' | 'logs';

export type OtlpProtocol = 'grpc' | 'http/protobuf';

/** One OTLP endpoint, with the meaning of the standard `OTEL_EXPORTER_OTLP_*` variables. */
export interface EndpointOptions {
  /** `OTEL_EXPORTER_OTLP_PROTOCOL`. Default `grpc`. */
  readonly protocol?: OtlpProtocol;
  /**
   * `OTEL_EXPORTER_OTLP_ENDPOINT`. For HTTP the general endpoint gets `/v1/{signal}` appended, a
   * signal's own endpoint is used as it is. Default `http://localhost:4317` (HTTP: `:4318`).
   */
  readonly endpoint?: string;
  /** `OTEL_EXPORTER_OTLP_HEADERS`, already decoded. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `OTEL_EXPORTER_OTLP_TIMEOUT`, milliseconds for one request. Default 10,000. */
  readonly timeoutMs?: number;
  /** `OTEL_EXPORTER_OTLP_COMPRESSION`. Default `none`. */
  readonly compression?: 'none' | 'gzip';
  /** `OTEL_EXPORTER_OTLP_CERTIFICATE`: PEM file with the trusted certificates. */
  readonly caFile?: string;
  /** `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`: PEM file with the client's chain. */
  readonly clientCertificateFile?: string;
  /** `OTEL_EXPORTER_OTLP_CLIENT_KEY`: PEM file with the client's private key. */
  readonly clientKeyFile?: string;
  /** `OTEL_EXPORTER_OTLP_INSECURE`: no TLS for a gRPC endpoint without a scheme. Default false. */
  readonly isInsecure?: boolean;
}

/** Waits between attempts while the collector does not take data. */
export interface RetryOptions {
  /** First wait, milliseconds. Default 1,000. */
  readonly initialMs: number;
  /** Longest wait, milliseconds. Default 30,000. */
  readonly maxMs: number;
  /** A batch of spans or logs is given up after so long, milliseconds. Default 300,000. */
  readonly maxElapsedMs: number;
}

/** Bounds of the queue of one signal. */
export interface QueueOptions {
  /** Most items that wait; what comes on top is dropped and counted. Default 8,192. */
  readonly capacity: number;
  /** Most items in one request. Default 512. */
  readonly batchSize: number;
  /** A smaller batch leaves after so long, milliseconds. Default 1,000. */
  readonly scheduleMs: number;
  /** A batch is given up after so long, milliseconds. Default: `RetryOptions.maxElapsedMs`. */
  readonly timeoutMs?: number;
}

/** Everything the exporters need, as plain values: nothing is read from the environment. */
export interface ExportOptions extends EndpointOptions {
  /** `OTEL_EXPORTER_OTLP_{SIGNAL}_*`: overrides for one signal. */
  readonly signals?: Readonly<Partial<Record<Signal, EndpointOptions>>>;
  /** Signals that are not exported (`OTEL_{SIGNAL}_EXPORTER=none`). Their items are not even accepted. */
  readonly disabled?: readonly Signal[];
  readonly queues?: Readonly<Partial<Record<'traces' | 'logs', Partial<QueueOptions>>>>;
  readonly retry?: Partial<RetryOptions>;
}

/** The endpoint of one signal, every value settled. */
export interface SettledEndpoint {
  readonly signal: Signal;
  readonly protocol: OtlpProtocol;
  /** gRPC: `scheme://host:port` or `unix:path`. HTTP: the URL that is posted to. */
  readonly url: string;
  /** What messages call it: scheme, host and port, without path and credentials. */
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly compression: 'none' | 'gzip';
  readonly caFile: string | undefined;
  readonly clientCertificateFile: string | undefined;
  readonly clientKeyFile: string | undefined;
}

const defaultEndpoints = { grpc: 'http://localhost:4317', 'http/protobuf': 'http://localhost:4318' } as const;
const defaultTimeoutMs = 10_000;

export const DEFAULT_RETRY: RetryOptions = { initialMs: 1000, maxMs: 30_000, maxElapsedMs: 300_000 };
export const DEFAULT_QUEUE: QueueOptions = { capacity: 8192, batchSize: 512, scheduleMs: 1000 };

/**
 * What the options say for one signal. A signal's headers replace the general ones, as the
 * specification has it. Throws an EndpointError when the endpoint is no URL.
 */
export function settleEndpoint(options: ExportOptions, signal: Signal): SettledEndpoint {
  const own = options.signals?.[signal] ?? {};
  const protocol = own.protocol ?? options.protocol ?? 'grpc';
  const isInsecure = own.isInsecure ?? options.isInsecure ?? false;
  const url =
    protocol === 'grpc'
      ? grpcUrl(own.endpoint ?? options.endpoint, isInsecure)
      : httpUrl(options, own, signal);
  return {
    signal,
    protocol,
    url,
    origin: url.startsWith('unix:') ? url : new URL(url).origin,
    headers: own.headers ?? options.headers ?? {},
    timeoutMs: own.timeoutMs ?? options.timeoutMs ?? defaultTimeoutMs,
    compression: own.compression ?? options.compression ?? 'none',
    caFile: own.caFile ?? options.caFile,
    clientCertificateFile: own.clientCertificateFile ?? options.clientCertificateFile,
    clientKeyFile: own.clientKeyFile ?? options.clientKeyFile,
  };
}

function grpcUrl(endpoint: string = defaultEndpoints.grpc, isInsecure: boolean): string {
  const trimmed = endpoint.trim();
  if (trimmed.startsWith('unix:')) return trimmed;
  const url = /^[a-z]+:\/\//i.test(trimmed) ? trimmed : `${isInsecure ? 'http' : 'https'}://${trimmed}`;
  parseUrl(url);
  return url;
}

function httpUrl(options: ExportOptions, own: EndpointOptions, signal: Signal): string {
  if (own.endpoint !== undefined) return parseUrl(own.endpoint.trim()).href;
  const base = (options.endpoint ?? defaultEndpoints['http/protobuf']).trim();
  const url = parseUrl(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/${signal}`;
  return url.href;
}

/** The text is not repeated: a key can be in it. */
function parseUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.host === '') {
    throw new EndpointError(
      'The OTLP endpoint is not a URL: write it as http://host:port or https://host:port.',
    );
  }
  return parsed;
}
