import { ExportResultCode } from '@opentelemetry/core';
import type { IOtlpExportDelegate } from '@opentelemetry/otlp-exporter-base';
import { createOtlpNetworkExportDelegate, ExporterMetrics } from '@opentelemetry/otlp-exporter-base';
import {
  createOtlpHttpExportDelegate,
  httpAgentFactoryFromOptions,
} from '@opentelemetry/otlp-exporter-base/node-http';
import type { IExporterMetricsHelper, ISerializer } from '@opentelemetry/otlp-transformer';
import {
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { VERSION } from '../../semconv/index.ts';
import { channelCredentialsOf, headersOf, metadataOf, readTls } from './endpoint-security.ts';
import type { SendResult } from './failure.ts';
import { judgeFailure } from './failure.ts';
import { createGrpcConnection } from './grpc-connection.ts';
import type { SettledEndpoint, Signal } from './options.ts';

/** An encoded OTLP request, ready to be sent as often as needed. */
export interface OtlpRequest {
  readonly bytes: Uint8Array;
  /** Spans, log records or data points in it. */
  readonly items: number;
}

/** Sends requests of one signal to one endpoint. Never throws and never rejects. */
export interface OtlpTransport<R = OtlpRequest> {
  /** Ends within the endpoint's timeout. One request at a time. */
  send(request: R): Promise<SendResult>;
  /** Closes the connection; a request under way fails. */
  close(): void;
}

type PartialSuccess = { readonly rejected: number; readonly message: string };

interface SignalRoute {
  readonly grpcPath: string;
  readonly itemName: IExporterMetricsHelper<OtlpRequest>['name'];
  readonly parseResponse: (bytes: Uint8Array) => PartialSuccess;
}

const servicePath = '/opentelemetry.proto.collector';

const routes: Readonly<Record<Signal, SignalRoute>> = {
  metrics: {
    grpcPath: `${servicePath}.metrics.v1.MetricsService/Export`,
    itemName: 'metric_data_point',
    parseResponse(bytes) {
      const partial = ProtobufMetricsSerializer.deserializeResponse(bytes).partialSuccess;
      return { rejected: partial?.rejectedDataPoints ?? 0, message: partial?.errorMessage ?? '' };
    },
  },
  traces: {
    grpcPath: `${servicePath}.trace.v1.TraceService/Export`,
    itemName: 'span',
    parseResponse(bytes) {
      const partial = ProtobufTraceSerializer.deserializeResponse(bytes).partialSuccess;
      return { rejected: partial?.rejectedSpans ?? 0, message: partial?.errorMessage ?? '' };
    },
  },
  logs: {
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
 * A transport over the SDK's own export delegate, with its HTTP connection, compression and HTTP
 * retries; gRPC connects by `grpc-connection.ts`. The requests come encoded, and the responses are
 * read here, because the SDK's exporter classes only log a partial success. Spans over gRPC have a
 * transport of their own (`span-transport.ts`). Throws an Error with one clear sentence when a
 * certificate file cannot be read.
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
          resolve(
            code === ExportResultCode.SUCCESS ? { status: 'taken', ...lastResponse } : judgeFailure(error),
          );
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
  const { url, timeoutMs, compression } = endpoint;
  const userAgent = `wirespan/${VERSION}`;
  // One at a time is the caller's rule; the delegate forgets a request only after it told its result.
  const shared = { timeoutMillis: timeoutMs, concurrencyLimit: 4, compression, userAgent };
  if (endpoint.protocol === 'grpc') {
    const metrics = new ExporterMetrics<OtlpRequest>({
      componentType: `otlp_grpc_${route.itemName}_exporter`,
      metricsHelper: counting,
      url,
      meterProvider: undefined,
      responseAttributesFromError: () => ({}),
    });
    const connection = createGrpcConnection({
      target: url.startsWith('unix:') ? url : new URL(url).host,
      credentials: channelCredentialsOf(endpoint),
      path: route.grpcPath,
      metadata: metadataOf(endpoint),
      compression,
      userAgent,
    });
    return createOtlpNetworkExportDelegate(shared, serializer, metrics, connection);
  }
  const headers = { ...headersOf(endpoint), 'Content-Type': 'application/x-protobuf' };
  const options = {
    ...shared,
    url,
    headers: () => Promise.resolve(headers),
    agentFactory: httpAgentFactoryFromOptions({ keepAlive: true, ...readTls(endpoint) }),
  };
  return createOtlpHttpExportDelegate(
    options,
    serializer,
    `otlp_http_${route.itemName}_exporter`,
    counting,
    undefined,
  );
}
