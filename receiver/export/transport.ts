import {
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { VERSION } from '../../semconv/index.ts';
import { authorityOf } from './authority.ts';
import type { BodyForm } from './body-form.ts';
import type { Connection } from './connection.ts';
import { channelCredentialsOf, headersOf, metadataOf, readTls } from './endpoint-security.ts';
import { createGrpcConnection } from './grpc-connection.ts';
import { createHttpConnection } from './http-connection.ts';
import type { Signal, SignalTarget } from './options.ts';
import type { SendResult } from './send-result.ts';

/** An encoded OTLP request, ready to be sent as often as needed. */
export interface OtlpRequest {
  readonly bytes: Uint8Array;
  /** Spans, log records or data points in it. */
  readonly items: number;
  /** The bytes are a body over HTTP that goes as it is; absent: uncompressed protobuf. */
  readonly form?: BodyForm;
}

/** Sends requests of one signal to one endpoint. Never throws and never rejects. */
export interface OtlpTransport<R = OtlpRequest> {
  /** One request at a time. Ends when the collector answers or `abort` is called: the caller keeps the time. */
  send(request: R): Promise<SendResult>;
  /** Ends the request under way and closes its connection for real; the next one opens another. */
  abort(): void;
  /** Closes the connection; a request under way fails. */
  close(): void;
}

type ReadPartialSuccess = (bytes: Uint8Array) => PartialSuccess;

/** As it was decoded: any number may be in it. */
interface PartialSuccess {
  readonly rejected: number | undefined;
  readonly message: string | undefined;
}

const servicePath = '/opentelemetry.proto.collector';

/** Full names of the methods, as a request over gRPC has them. */
export const GRPC_PATHS: Readonly<Record<Signal, string>> = {
  metrics: `${servicePath}.metrics.v1.MetricsService/Export`,
  traces: `${servicePath}.trace.v1.TraceService/Export`,
  logs: `${servicePath}.logs.v1.LogsService/Export`,
};

const readers: Readonly<Record<Signal, ReadPartialSuccess>> = {
  metrics(bytes) {
    const partial = ProtobufMetricsSerializer.deserializeResponse(bytes).partialSuccess;
    return { rejected: partial?.rejectedDataPoints, message: partial?.errorMessage };
  },
  traces(bytes) {
    const partial = ProtobufTraceSerializer.deserializeResponse(bytes).partialSuccess;
    return { rejected: partial?.rejectedSpans, message: partial?.errorMessage };
  },
  logs(bytes) {
    const partial = ProtobufLogsSerializer.deserializeResponse(bytes).partialSuccess;
    return { rejected: partial?.rejectedLogRecords, message: partial?.errorMessage };
  },
};

/**
 * A transport of encoded requests over a connection of our own, with the SDK's protobuf serializers to read
 * the answers. Spans over gRPC have a transport of their own (`span-transport.ts`). Throws an
 * EndpointError when a certificate file or a header cannot be used.
 */
export function createOtlpTransport(target: SignalTarget): OtlpTransport {
  const connection = createConnection(target);
  return {
    async send(request) {
      const answer = await connection.send(request.bytes, request.form);
      if (answer.status !== 'answered') return answer;
      const isJson = request.form?.type === 'application/json';
      const read = isJson ? partialSuccessInJson : readers[target.signal];
      return takenOf(() => read(answer.bytes), request.items);
    },
    abort: () => connection.abort(),
    close: () => connection.close(),
  };
}

/** What was not taken of a request that was; an answer that cannot be read says that all was. */
function takenOf(read: () => PartialSuccess, items: number): SendResult {
  try {
    const { rejected = 0, message = '' } = read();
    // It is any number on the wire: more than was sent, or less than nothing, cannot have been rejected.
    const count = Number.isFinite(rejected) ? Math.min(Math.max(0, Math.trunc(rejected)), items) : 0;
    return { status: 'taken', rejected: count, message };
  } catch {
    return { status: 'taken', rejected: 0, message: '' };
  }
}

/** The answer to a request in JSON is JSON; 64-bit integers in it are text. */
function partialSuccessInJson(bytes: Uint8Array): PartialSuccess {
  const { partialSuccess = {} } = JSON.parse(Buffer.from(bytes).toString()) as {
    readonly partialSuccess?: Readonly<Record<string, unknown>>;
  };
  const { rejectedSpans, rejectedDataPoints, rejectedLogRecords, errorMessage } = partialSuccess;
  const rejected = Number(rejectedSpans ?? rejectedDataPoints ?? rejectedLogRecords ?? 0);
  return { rejected, message: typeof errorMessage === 'string' ? errorMessage : '' };
}

function createConnection(target: SignalTarget): Connection {
  const { endpoint, timeoutMs, compression, proxy } = target;
  const userAgent = `wirespan/${VERSION}`;
  if (target.protocol === 'http/protobuf') {
    const headers = headersOf(target);
    return createHttpConnection({
      url: endpoint,
      headers,
      compression,
      userAgent,
      tls: readTls(target),
      proxy,
    });
  }
  return createGrpcConnection({
    address: authorityOf(endpoint),
    proxy,
    credentials: channelCredentialsOf(target),
    path: GRPC_PATHS[target.signal],
    metadata: metadataOf(target),
    compression,
    userAgent,
    timeoutMs,
  });
}
