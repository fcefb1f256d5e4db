import type { EventMode, SpanMode } from '../semconv/index.ts';
import type { Cidr } from './cidr.ts';
import type { FilterRule } from './format-lists.ts';
import type { ListenAddress } from './listen.ts';

export type { FilterRule } from './format-lists.ts';

/** Where and how one signal is sent, with all inheritance resolved. */
export interface OtlpTargetConfig {
  /** Whether the signal is exported at all. */
  readonly enabled: boolean;
  /** Full URL with scheme, which decides on TLS; for `http/protobuf` the path of the signal is included. */
  readonly endpoint: string;
  /** No scheme was given, which means TLS over gRPC. */
  readonly isTlsAssumed?: boolean;
  readonly protocol: 'grpc' | 'http/protobuf';
  /** Secrets may be among the values: never log them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly compression: 'none' | 'gzip';
  /** PEM files; absent: the system's certificates, no mutual TLS. */
  readonly certificate?: string;
  readonly clientKey?: string;
  readonly clientCertificate?: string;
}

/** Latencies above which there is an event or a span: milliseconds, exact to the microsecond; 0: never. */
export interface Thresholds {
  readonly handshake: number;
  readonly acceptQueue: number;
  readonly receiveQueue: number;
  readonly rtt: number;
  readonly exchange: number;
  readonly softirqRun: number;
  readonly softirqWait: number;
  readonly wakeup: number;
  readonly zeroWindow: number;
  readonly packetStage: number;
}

/** Which packets are followed on their way. */
export interface PacketsConfig {
  /** One of so many flows. */
  readonly sample: number;
  /** Empty: any. */
  readonly ports: readonly number[];
  /** Undefined: any. */
  readonly address: string | undefined;
}

/** A bounded queue in front of an exporter. */
export interface QueueConfig {
  readonly queueSize: number;
  readonly batchSize: number;
  readonly delayMs: number;
  readonly timeoutMs: number;
}

/** The OTLP endpoint for local applications. */
export interface OtlpTapConfig {
  /** Absent: not taken over this transport. */
  readonly grpc?: ListenAddress;
  readonly http?: ListenAddress;
  /** Most requests, and bytes of them, that wait to be sent on. */
  readonly queueSize: number;
  readonly queueBytes: number;
  /** Uncompressed. */
  readonly maxRequestBytes: number;
  /** Most at once, over each transport. */
  readonly maxConnections: number;
  /** For one request, its retries included. */
  readonly timeoutMs: number;
  /** For which network events wait for the span of their request. */
  readonly holdMs: number;
}

/** Beginnings of upstream's names of the agent's own metrics. */
export type SelfMetrics = 'otel.sdk' | 'process' | 'nodejs';

/** Where views of this host read from the agent. */
export interface ViewsConfig {
  /** Path of the unix socket. */
  readonly socket: string;
  /** Who may: its file mode. */
  readonly mode: number;
}

/** The effective settings: plain, typed, frozen throughout. */
export interface AppConfig {
  readonly bpf: {
    readonly ringBufferBytes: number;
    readonly costlyVariants: boolean;
    readonly maxSeries: number;
    readonly maxSockets: number;
    readonly maxOwners: number;
  };
  readonly correlation: {
    readonly http1: boolean;
    /** Contexts of HTTP/1 requests are read where they arrive, too. */
    readonly arrivals: boolean;
    /** Contexts of clients' HTTP/2 requests. */
    readonly http2: boolean;
    readonly hook: boolean;
    readonly threadContext: boolean;
  };
  /** Absent: applications send their OTLP elsewhere. */
  readonly otlpTap?: OtlpTapConfig;
  /** Absent: views load programs of their own. */
  readonly views?: ViewsConfig;
  readonly filter: { readonly include: readonly FilterRule[]; readonly exclude: readonly FilterRule[] };
  /** Metric name → whether it is exported. */
  readonly metrics: ReadonlyMap<string, boolean>;
  /** The agent's own metrics with upstream's names, by the beginning of those. */
  readonly selfMetrics: ReadonlySet<SelfMetrics>;
  /** Event name → `on`, `correlated` or `off`. */
  readonly events: ReadonlyMap<string, EventMode>;
  /** Span type, e.g. `wirespan.tcp.connect` → its mode, e.g. `correlated`. */
  readonly spans: ReadonlyMap<string, SpanMode>;
  /** Opt-in attributes that metrics carry. */
  readonly attributes: ReadonlySet<string>;
  /** Per second, event name and workload; 0: no limit, for the node neither. */
  readonly eventRateLimit: number;
  readonly thresholds: Thresholds;
  readonly packets: PacketsConfig;
  /** Each exchange is divided by what its time was spent on. */
  readonly exchangePhases: boolean;
  readonly spanLimits: {
    /** Per second; 0: no limit. */
    readonly rateLimit: number;
    readonly maxPerParent: number;
    readonly maxPerTrace: number;
  };
  /** Which connections have a span of their own; failed and slow ones always have. */
  readonly sampling: {
    /** 0 to 1. */
    readonly connectionRatio: number;
    /** A handshake or round trip from this long on is slow. */
    readonly connectionSlowMs: number;
  };
  readonly resourceGranularity: 'auto' | 'process' | 'container' | 'service';
  /** Metrics of processes that end before a collection meets them are their container's or the host's. */
  /** Workload resources at once. */
  readonly resourceLimit: number;
  readonly foldShortLived: boolean;
  /** The names that programs are started with are kept in the kernel. */
  readonly keepsExecNames: boolean;
  /** What processes publish in their memory (OTEP 4719) names those whose environment does not. */
  readonly readsContexts: boolean;
  readonly addresses: 'full' | 'prefix' | 'none';
  readonly subnets: readonly Cidr[];
  readonly seriesLimit: number;
  readonly output: 'none' | 'table' | 'json';
  /** What a row of the table stands for. */
  readonly groupBy: 'command' | 'process';
  readonly otlp: {
    readonly traces: OtlpTargetConfig;
    readonly metrics: OtlpTargetConfig;
    readonly logs: OtlpTargetConfig;
  };
  readonly temporality: 'cumulative' | 'delta' | 'lowmemory';
  /** `always_off` also where metrics are not exported. */
  readonly exemplarFilter: 'trace_based' | 'always_on' | 'always_off';
  /** Asked for; explicit buckets are what is exported. */
  readonly histogramAggregation: 'explicit_bucket_histogram' | 'base2_exponential_bucket_histogram';
  readonly metricExport: { readonly intervalMs: number; readonly timeoutMs: number };
  /** Where spans (`traces`) and events (`logs`) wait to be sent. */
  readonly queues: { readonly traces: QueueConfig; readonly logs: QueueConfig };
  readonly agent: {
    readonly serviceName: string;
    readonly resourceAttributes: Readonly<Record<string, string>>;
  };
  /** Where it says how it is; absent: nowhere. */
  readonly health?: ListenAddress;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly shutdownDeadlineMs: number;
}
