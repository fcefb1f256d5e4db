import { readFileSync } from 'node:fs';
import { Metadata } from '@grpc/grpc-js';
import type { IOtlpExportDelegate } from '@opentelemetry/otlp-exporter-base';
import {
  createOtlpHttpExportDelegate,
  httpAgentFactoryFromOptions,
} from '@opentelemetry/otlp-exporter-base/node-http';
import {
  createInsecureCredentials,
  createOtlpGrpcExportDelegate,
  createSslCredentials,
} from '@opentelemetry/otlp-grpc-exporter-base';
import type { IExporterMetricsHelper, ISerializer } from '@opentelemetry/otlp-transformer';
import {
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { VERSION } from '../../semconv/index.ts';
import type { SendResult } from './failure.ts';
import { judgeFailure } from './failure.ts';
import type { SettledEndpoint, Signal } from './options.ts';

/** An encoded OTLP request, ready to be sent as often as needed. */
export interface OtlpRequest {
  readonly bytes: Uint8Array;
  /** Spans, log records or data points in it. */
  readonly items: number;
}

/** Sends requests of one signal to one endpoint. Never throws and never rejects. */
export interface OtlpTransport {
  /** Ends within the endpoint's timeout. One request at a time. */
  send(request: OtlpRequest): Promise<SendResult>;
  /** Closes the connection; a request under way fails. */
  close(): void;
}

type PartialSuccess = { readonly rejected: number; readonly message: string };

interface SignalRoute {
  readonly grpcName: string;
  readonly grpcPath: string;
  readonly itemName: IExporterMetricsHelper<OtlpRequest>['name'];
  readonly parseResponse: (bytes: Uint8Array) => PartialSuccess;
}

const servicePath = '/opentelemetry.proto.collector';

const routes: Readonly<Record<Signal, SignalRoute>> = {
  metrics: {
    grpcName: 'MetricsExportService',
    grpcPath: `${servicePath}.metrics.v1.MetricsService/Export`,
    itemName: 'metric_data_point',
    parseResponse(bytes) {
      const partial = ProtobufMetricsSerializer.deserializeResponse(bytes).partialSuccess;
      return { rejected: partial?.rejectedDataPoints ?? 0, message: partial?.errorMessage ?? '' };
    },
  },
  traces: {
    grpcName: 'TraceExportService',
    grpcPath: `${servicePath}.trace.v1.TraceService/Export`,
    itemName: 'span',
    parseResponse(bytes) {
      const partial = ProtobufTraceSerializer.deserializeResponse(bytes).partialSuccess;
      return { rejected: partial?.rejectedSpans ?? 0, message: partial?.errorMessage ?? '' };
    },
  },
  logs: {
    grpcName: 'LogsExportService',
    grpcPath: `${servicePath}.logs.v1.LogsService/Export`,
    itemName: 'log',
    parseResponse(bytes) {
      const partial = ProtobufLogsSerializer.deserializeResponse(bytes).partialSuccess;
      return { rejected: partial?.rejectedLogRecords ?? 0, message: partial?.errorMessage ?? '' };
    },
  },
};

const nothingRejected: PartialSuccess = { rejected: 0, message: '' };

/**
 * A transport over the SDK's own export delegate: its connection handling, compression and HTTP
 * retries. The requests come encoded, and the responses are read here, because the SDK's exporter
 * classes only log a partial success. Throws an Error with one clear sentence when a certificate
 * file cannot be read.
 */
export function createOtlpTransport(endpoint: SettledEndpoint): OtlpTransport {
  let lastResponse = nothingRejected;
  const serializer: ISerializer<OtlpRequest, PartialSuccess> = {
    serializeRequest: (request) => request.bytes,
    deserializeResponse: (bytes) => (lastResponse = routes[endpoint.signal].parseResponse(bytes)),
  };
  const delegate = createDelegate(endpoint, serializer);
  return {
    send(request) {
      lastResponse = nothingRejected;
      return new Promise((resolve) => {
        delegate.export(request, ({ code, error }) => {
          resolve(code === 0 ? { status: 'taken', ...lastResponse } : judgeFailure(error));
        });
      });
    },
    close() {
      delegate.shutdown().catch(() => undefined);
    },
  };
}

function createDelegate(
  endpoint: SettledEndpoint,
  serializer: ISerializer<OtlpRequest, PartialSuccess>,
): Pick<IOtlpExportDelegate<OtlpRequest>, 'export' | 'shutdown'> {
  const route = routes[endpoint.signal];
  const counting: IExporterMetricsHelper<OtlpRequest> = { name: route.itemName, countItems: (r) => r.items };
  const shared = {
    timeoutMillis: endpoint.timeoutMs,
    // One at a time is the caller's rule; the delegate forgets a request only after it told its result.
    concurrencyLimit: 4,
    compression: endpoint.compression,
    userAgent: `wirespan/${VERSION}`,
  };
  if (endpoint.protocol === 'grpc') {
    const options = { ...shared, ...grpcTarget(endpoint), metadata: () => metadataOf(endpoint.headers) };
    return createOtlpGrpcExportDelegate(
      options,
      serializer,
      `otlp_grpc_${route.itemName}_exporter`,
      counting,
      undefined,
      route.grpcName,
      route.grpcPath,
    );
  }
  const { ca, cert, key } = readTls(endpoint);
  const options = {
    ...shared,
    url: endpoint.url,
    headers: () => Promise.resolve({ ...endpoint.headers, 'Content-Type': 'application/x-protobuf' }),
    agentFactory: httpAgentFactoryFromOptions({
      keepAlive: true,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    }),
  };
  return createOtlpHttpExportDelegate(
    options,
    serializer,
    `otlp_http_${route.itemName}_exporter`,
    counting,
    undefined,
  );
}

function grpcTarget(endpoint: SettledEndpoint): {
  url: string;
  credentials: () => ReturnType<typeof createInsecureCredentials>;
} {
  if (endpoint.url.startsWith('unix:')) return { url: endpoint.url, credentials: createInsecureCredentials };
  const { protocol, host } = new URL(endpoint.url);
  if (protocol === 'http:') return { url: host, credentials: createInsecureCredentials };
  const { ca, cert, key } = readTls(endpoint);
  return { url: host, credentials: () => createSslCredentials(ca, key, cert) };
}

function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

function readTls(endpoint: SettledEndpoint): Record<'ca' | 'cert' | 'key', Buffer | undefined> {
  return {
    ca: readPem(endpoint.caFile, 'trusted certificates'),
    cert: readPem(endpoint.clientCertificateFile, 'client certificate'),
    key: readPem(endpoint.clientKeyFile, 'client key'),
  };
}

function readPem(file: string | undefined, what: string): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new Error(`The OTLP ${what} file "${file}" cannot be read (${reason}): give a readable PEM file.`, {
      cause,
    });
  }
}
