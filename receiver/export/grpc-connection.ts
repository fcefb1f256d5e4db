import type { ChannelCredentials, Metadata, ServiceError } from '@grpc/grpc-js';
import { Client, status } from '@grpc/grpc-js';
import type { ExportResponse, IExporterTransport } from '@opentelemetry/otlp-exporter-base';

export interface GrpcConnectionOptions {
  /** `host:port` or `unix:path`. */
  readonly target: string;
  readonly credentials: ChannelCredentials;
  /** Full name of the method, `/package.Service/Method`. */
  readonly path: string;
  readonly metadata: Metadata;
  readonly compression: 'none' | 'gzip';
  readonly userAgent: string;
}

/** After so many requests without an answer in a row, the connection is taken for dead and made anew. */
const maxTimeouts = 3;

/**
 * The SDK's own gRPC transport lets the channel wait up to two minutes between attempts to connect,
 * so a collector that comes back would be missed for as long. Here it is five seconds.
 */
const channelOptions = {
  'grpc.initial_reconnect_backoff_ms': 500,
  'grpc.max_reconnect_backoff_ms': 5000,
  // A connection made anew must not get the old one out of the shared pool.
  'grpc.use_local_subchannel_pool': 1,
};

const same = (bytes: Buffer): Buffer => bytes;

/** A connection for unary calls with encoded messages. Connects with the first call. */
export function createGrpcConnection(options: GrpcConnectionOptions): IExporterTransport {
  const { target, credentials, path, metadata, compression, userAgent } = options;
  let client: Client | undefined;
  let timeouts = 0;

  const close = (): void => {
    client?.close();
    client = undefined;
    timeouts = 0;
  };

  const settle = (error: ServiceError | null, response: Buffer | undefined): ExportResponse => {
    timeouts = error?.code === status.DEADLINE_EXCEEDED ? timeouts + 1 : 0;
    if (timeouts >= maxTimeouts) close();
    return error === null
      ? { status: 'success', ...(response && { data: response }) }
      : { status: 'failure', error };
  };

  return {
    send(data, timeoutMillis) {
      client ??= new Client(target, credentials, {
        ...channelOptions,
        'grpc.default_compression_algorithm': compression === 'gzip' ? 2 : 0,
        'grpc.primary_user_agent': userAgent,
      });
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      const deadline = Date.now() + timeoutMillis;
      return new Promise((resolve) => {
        client?.makeUnaryRequest(path, same, same, bytes, metadata, { deadline }, (error, response) => {
          resolve(settle(error, response));
        });
      });
    },
    shutdown: close,
  };
}
