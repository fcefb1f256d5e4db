import { createServer, type Socket } from 'node:net';
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import type { Signal } from '../export/options.ts';
import { GRPC_PATHS } from '../export/transport.ts';
import { listeningAs, SIGNALS, type TapEndpoint } from './endpoint.ts';
import { countRefused, listen, type ServerAddress } from '../serve/listen.ts';
import type { TapOptions } from './options.ts';
import { FORWARDED_BY, type TapRefusal, type TapSink } from './request.ts';
import { sizeRefusals } from './size-refusals.ts';
import { plainAddress } from './span-fields.ts';

/** Requests that one connection may have under way: SDKs have one for each signal. */
const MAX_STREAMS = 16;

const same = (bytes: Buffer): Buffer => bytes;
const nothing = Buffer.alloc(0);

const codes: Readonly<Record<TapRefusal['status'], number>> = {
  retry: status.UNAVAILABLE,
  loop: status.FAILED_PRECONDITION,
  too_large: status.RESOURCE_EXHAUSTED,
  unsupported: status.INVALID_ARGUMENT,
};

type Unary = ServerUnaryCall<Buffer, Buffer>;

/** Serves OTLP over gRPC. A message is handed on as the bytes that came, uncompressed. Throws a ListenError. */
export async function startGrpcEndpoint(
  address: ServerAddress,
  { maxRequestBytes, maxConnections }: TapOptions,
  sink: TapSink,
): Promise<TapEndpoint> {
  const server = new Server({
    'grpc.max_receive_message_length': maxRequestBytes,
    'grpc.max_concurrent_streams': MAX_STREAMS,
    interceptors: [sizeRefusals((signal) => void sink.refuse(signal, 'too_large'))],
  });
  for (const signal of SIGNALS) serve(server, signal, sink);
  // The library's own way to listen has no bound on connections, and hides why it failed.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  listener.maxConnections = maxConnections;
  const port = await listen(listener, address, listeningAs('grpc'));
  return {
    port,
    refusedConnections: countRefused(listener),
    stopAccepting: () => void listener.close(),
    close() {
      listener.close();
      server.forceShutdown();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function serve(server: Server, signal: Signal, sink: TapSink): void {
  const handle = (call: Unary, done: sendUnaryData<Buffer>): void => {
    const [forwardedBy] = call.metadata.get(FORWARDED_BY);
    const from = hostOf(call.getPeer());
    const request = { signal, bytes: call.request, from, forwardedBy: forwardedBy?.toString() };
    void sink.offer(request).then((answer) => {
      if (answer.status === 'taken') done(null, nothing);
      else
        done({ code: codes[answer.status], details: `wirespan: ${answer.cause}`, metadata: new Metadata() });
    });
  };
  const definition = {
    path: GRPC_PATHS[signal],
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  } as const;
  server.addService({ export: definition }, { export: handle });
}

/** The address in `address:port`, as the library has it of any family. */
function hostOf(peer: string): string {
  const host = peer.slice(0, peer.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  return plainAddress(host) ?? host;
}
