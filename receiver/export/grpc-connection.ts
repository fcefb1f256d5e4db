import type { ChannelCredentials, ClientUnaryCall, Metadata, ServiceError } from '@grpc/grpc-js';
import { Client, status } from '@grpc/grpc-js';
import type { Connection } from './connection.ts';
import { MAX_ANSWER_BYTES } from './connection.ts';
import { judgeFailure } from './failure.ts';
import type { Proxy } from './options.ts';
import { withProxy } from './proxy.ts';
import type { Answer } from './send-result.ts';
import type { Sockets } from './sockets.ts';
import { createSockets } from './sockets.ts';

export interface GrpcConnectionOptions {
  /** `host:port`. */
  readonly address: string;
  readonly proxy: Proxy | undefined;
  readonly credentials: ChannelCredentials;
  /** Full name of the method, `/package.Service/Method`. */
  readonly path: string;
  readonly metadata: Metadata;
  readonly compression: 'none' | 'gzip';
  readonly userAgent: string;
  /** What the collector is told; milliseconds. */
  readonly timeoutMs: number;
}

/**
 * The SDK's own gRPC transport lets the channel wait up to two minutes between attempts to connect,
 * so a collector that comes back would be missed for as long. Here it is five seconds.
 */
const channelOptions = {
  'grpc.initial_reconnect_backoff_ms': 500,
  'grpc.max_reconnect_backoff_ms': 5000,
  // A connection made anew must not get the old one out of the shared pool.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
};

const same = (bytes: Buffer): Buffer => bytes;

/** A connection for unary calls with encoded messages. Connects with the first call. */
export function createGrpcConnection(options: GrpcConnectionOptions): Connection {
  return new GrpcConnection(options);
}

/** A channel with the sockets that it opens. */
interface Channel {
  readonly client: Client;
  readonly sockets: Sockets;
}

class GrpcConnection implements Connection {
  readonly #options: GrpcConnectionOptions;
  #channel: Channel | undefined;
  #call: ClientUnaryCall | undefined;

  constructor(options: GrpcConnectionOptions) {
    this.#options = options;
  }

  async send(data: Uint8Array): Promise<Answer> {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    try {
      const channel = (this.#channel ??= this.#createChannel());
      return await channel.sockets.run(() => this.#unary(channel, bytes));
    } catch (error) {
      return judgeFailure(error);
    }
  }

  abort(): void {
    this.#call?.cancel();
    this.#channel?.client.close();
    this.#channel?.sockets.close();
    this.#call = undefined;
    this.#channel = undefined;
  }

  close(): void {
    this.abort();
  }

  #unary(channel: Channel, bytes: Buffer): Promise<Answer> {
    const { path, metadata, timeoutMs } = this.#options;
    const options = { deadline: Date.now() + timeoutMs };
    return new Promise((resolve) => {
      const settle = (error: ServiceError | null, response?: Buffer): void => {
        // Whether it ever connected is not known: the channel would go on waiting for that.
        if (error?.code === status.DEADLINE_EXCEEDED && channel === this.#channel) this.abort();
        if (error !== null) resolve(judgeFailure(error));
        else resolve({ status: 'answered', bytes: response ?? Buffer.alloc(0) });
      };
      this.#call = channel.client.makeUnaryRequest(path, same, same, bytes, metadata, options, settle);
    });
  }

  #createChannel(): Channel {
    const { address, proxy, credentials, compression, userAgent } = this.#options;
    const sockets = createSockets();
    const create = (): Client =>
      new Client(address, credentials, {
        ...channelOptions,
        'grpc.default_compression_algorithm': compression === 'gzip' ? 2 : 0,
        'grpc.primary_user_agent': userAgent,
      });
    const client = sockets.run(() => withProxy(proxy, create));
    return { client, sockets };
  }
}
