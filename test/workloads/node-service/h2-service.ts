/**
 * h2-service.ts serve CERT KEY: echoes over HTTP/2 and gRPC, plaintext and TLS; prints {"http2":N,"http2s":N,"grpc":N,"grpcs":N} when it
 * listens.
 * h2-service.ts call KIND PORT CA CONNECTIONS CALLS PARALLEL: so many calls on each connection, PARALLEL at once, each with a
 * `traceparent` of its own. Prints the truth: a JSON line for each stream (`Stream`).
 */
import { randomBytes } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import * as http2 from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';

const PATH = '/echo.Echo/Say';
const BODY = Buffer.alloc(600, 'x');
const same = (bytes: Buffer): Buffer => bytes;
const METHOD = {
  path: PATH,
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

/** Where it began, and where its response ended: moments in the order of all, and what its connection had written by then. */
interface Stream {
  readonly id: number;
  readonly localPort: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
  readonly start: number;
  readonly from: number;
  end: number;
  to: number;
}

const streams = new Map<http2.ClientHttp2Stream, Stream>();
let moment = 0;

/** What was written below TLS. */
function written(socket: Socket): number {
  const { _handle: handle } = socket as unknown as {
    _handle: { bytesWritten: number; _parent?: { bytesWritten: number } };
  };
  return (handle._parent ?? handle).bytesWritten;
}

function watchStreams(): void {
  subscribe('http2.client.stream.start', (message) => {
    const { stream, headers } = message as {
      stream: http2.ClientHttp2Stream;
      headers: Record<string, string>;
    };
    const socket = stream.session?.socket as Socket;
    const [, traceId = '', spanId = '', flags = ''] = String(headers['traceparent']).split('-');
    const from = written(socket);
    const { localPort = 0 } = socket;
    const of = {
      id: 0,
      localPort,
      traceId,
      spanId,
      flags: Number(flags),
      start: moment++,
      from,
      end: 0,
      to: 0,
    };
    streams.set(stream, of);
    // All of it was sent: the service answers with what it got.
    stream.once('end', () => {
      of.end = moment++;
      of.to = written(socket);
    });
  });
}

const newTraceparent = (): string =>
  `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-0${Math.round(Math.random())}`;

async function serve(cert: Buffer, key: Buffer): Promise<void> {
  const echo = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse): void => {
    request.pipe(response);
  };
  const servers: Record<string, Server> = {
    http2: http2.createServer(echo),
    http2s: http2.createSecureServer({ cert, key }, echo),
  };
  const ports: Record<string, number> = {};
  for (const [name, server] of Object.entries(servers))
    ports[name] = await new Promise((resolve) =>
      server.listen(0, '127.0.0.1', 511, () => resolve((server.address() as AddressInfo).port)),
    );
  const secure = grpc.ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }]);
  for (const [name, credentials] of [
    ['grpc', grpc.ServerCredentials.createInsecure()],
    ['grpcs', secure],
  ] as const) {
    const server = new grpc.Server();
    server.addService(
      { say: METHOD },
      {
        say: (call: { request: Buffer }, answer: (error: null, value: Buffer) => void) =>
          answer(null, call.request),
      },
    );
    ports[name] = await new Promise((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port))),
    );
  }
  process.stdout.write(`${JSON.stringify(ports)}\n`);
}

type Call = () => Promise<void>;

function http2Call(origin: string, ca: Buffer): Call {
  const session = http2.connect(origin, { ca });
  return () =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':method': 'POST', ':path': '/', traceparent: newTraceparent() });
      stream.once('error', reject);
      stream.once('end', resolve);
      stream.resume();
      stream.end(BODY);
    });
}

function grpcCall(address: string, credentials: grpc.ChannelCredentials): Call {
  const client = new grpc.Client(address, credentials, { 'grpc.use_local_subchannel_pool': 1 });
  return () =>
    new Promise((resolve, reject) => {
      const metadata = new grpc.Metadata();
      metadata.set('traceparent', newTraceparent());
      client.makeUnaryRequest(PATH, same, same, BODY, metadata, (error) =>
        error ? reject(error as Error) : resolve(),
      );
    });
}

function openCall(kind: string, port: number, ca: Buffer): Call {
  if (kind.startsWith('http2')) return http2Call(`http${kind.slice(5)}://127.0.0.1:${port}`, ca);
  const isSecure = kind === 'grpcs';
  return grpcCall(
    `127.0.0.1:${port}`,
    isSecure ? grpc.credentials.createSsl(ca) : grpc.credentials.createInsecure(),
  );
}

/** One connection's calls. */
async function callAll(call: Call, calls: number, parallel: number): Promise<void> {
  let left = calls;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      await call();
      // With several at once: sometimes one is alone.
      if (parallel > 1 && Math.random() < 0.5)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'serve') {
  await serve(readFileSync(rest[0] ?? ''), readFileSync(rest[1] ?? ''));
} else {
  const [kind = '', port, ca = '', ...numbers] = rest;
  const [connections = 0, calls = 0, parallel = 0] = numbers.map(Number);
  watchStreams();
  const opened = Array.from({ length: connections }, () => openCall(kind, Number(port), readFileSync(ca)));
  await Promise.all(opened.map((call) => callAll(call, calls, parallel)));
  const lines = [...streams].map(([{ id }, stream]) => `${JSON.stringify({ ...stream, id })}\n`);
  process.stdout.write(lines.join(''), () => process.exit(0));
}
