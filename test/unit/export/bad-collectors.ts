import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';

/** A server that takes connections and serves none of them well. */
export interface BadCollector {
  readonly port: number;
  /** Connections that it had, and that are still open. */
  readonly connections: { opened: number; open: number };
  /** Reads from now on, and so sees which connections the other side closed. */
  release(): void;
}

/** What it does with one connection, until that is closed. */
type Serve = (socket: Socket) => void;

const DRIP_MS = 20;

/** Calls `drip` until the connection is gone: an answer that never ends and is never silent for long. */
function dripOn(socket: Duplex, drip: () => void): void {
  const timer = setInterval(drip, DRIP_MS);
  socket.on('close', () => clearInterval(timer));
}

/** Writes as fast as the other side reads. */
function flood(stream: Duplex, chunk: Buffer): void {
  const more = (): void => {
    while (!stream.destroyed && stream.write(chunk));
  };
  stream.on('drain', more);
  more();
}

const readAll = (socket: Socket): void => void socket.resume();

export const HTTP_KINDS: Readonly<Record<string, Serve>> = {
  'never answers': readAll,
  'never reads': (socket) => void socket.pause(),
  'drips headers': (socket) => {
    readAll(socket);
    socket.write('HTTP/1.1 200 OK\r\nx-drip: ');
    dripOn(socket, () => socket.write('a'));
  },
  'sends early hints for ever': (socket) => {
    readAll(socket);
    dripOn(socket, () => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'));
  },
  'drips its body': (socket) => {
    readAll(socket);
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n');
    dripOn(socket, () => socket.write('a'));
  },
  'drips a redirect': (socket) => {
    readAll(socket);
    socket.write('HTTP/1.1 307 Temporary Redirect\r\nlocation: /v2\r\ncontent-length: 60000\r\n\r\n');
    dripOn(socket, () => socket.write('a'));
  },
  'has a body without an end': (socket) => {
    readAll(socket);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    flood(socket, Buffer.alloc(65_536, 'a'));
  },
};

/** The head of an HTTP/2 frame of 32 settings: no library takes more. */
const LONG_SETTINGS = Buffer.from([0, 0, 192, 4, 0, 0, 0, 0, 0]);
const GRPC_HEAD = { ':status': 200, 'content-type': 'application/grpc' } as const;
/** Frame of a gRPC message of so many bytes. */
function grpcFrame(bytes: number): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes, 1);
  return head;
}

export const GRPC_KINDS: Readonly<Record<string, Serve>> = {
  'never answers': readAll,
  'never reads': (socket) => void socket.pause(),
  'drips its settings': (socket) => {
    readAll(socket);
    socket.write(LONG_SETTINGS);
    dripOn(socket, () => socket.write(Buffer.alloc(1)));
  },
};

export const GRPC_STREAM_KINDS: Readonly<Record<string, (stream: ServerHttp2Stream) => void>> = {
  'answers no call': (stream) => void stream.resume(),
  'takes no byte of a call': () => undefined,
  'sends early hints for ever': (stream) => {
    stream.resume();
    dripOn(stream, () => stream.additionalHeaders({ ':status': 103 }));
  },
  'drips its message': (stream) => {
    stream.resume();
    stream.respond(GRPC_HEAD);
    stream.write(grpcFrame(60_000));
    dripOn(stream, () => stream.write('a'));
  },
  'has a message without an end': (stream) => {
    stream.resume();
    stream.respond(GRPC_HEAD);
    stream.write(grpcFrame(2 ** 32 - 1));
    flood(stream, Buffer.alloc(16_384, 'a'));
  },
};

function watch(server: Server, t: TestContext): BadCollector {
  const connections = { opened: 0, open: 0 };
  const sockets = new Set<Socket>();
  let isReleased = false;
  server.on('connection', (socket: Socket) => {
    connections.opened += 1;
    connections.open += 1;
    sockets.add(socket);
    // Made before the release, accepted after it; the collector may pause it meanwhile.
    setImmediate(() => isReleased && socket.resume());
    socket.on('error', () => undefined);
    socket.on('close', () => {
      connections.open -= 1;
      sockets.delete(socket);
    });
  });
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const release = (): void => {
    isReleased = true;
    for (const socket of sockets) socket.resume();
  };
  return { port: (server.address() as AddressInfo).port, connections, release };
}

async function listening<T extends Server>(server: T): Promise<T> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** A collector of one of the kinds above. */
export async function startBad(serve: Serve, t: TestContext): Promise<BadCollector> {
  const server = createServer();
  const bad = watch(await listening(server), t);
  server.on('connection', serve);
  return bad;
}

/** One that makes gRPC's connection and fails its calls; `window`: bytes of a call that it takes. */
export async function startBadStreams(
  serve: (stream: ServerHttp2Stream) => void,
  t: TestContext,
  window = 65_535,
): Promise<BadCollector> {
  const server = createHttp2Server({ settings: { initialWindowSize: window } });
  const bad = watch(await listening(server), t);
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    serve(stream);
  });
  return bad;
}

const DEAF = `
const { createServer } = require('node:net');
const { parentPort, workerData } = require('node:worker_threads');
const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  // From here on this thread accepts nothing.
  Atomics.wait(new Int32Array(workerData), 0, 0);
});
`;

/** A port whose queue is full: the kernel leaves every further attempt to connect without an answer. */
export async function startDeaf(t: TestContext): Promise<number> {
  const gate = new SharedArrayBuffer(4);
  const worker = new Worker(DEAF, { eval: true, workerData: gate });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const fillers = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  await Promise.race(fillers.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  t.after(async () => {
    for (const socket of fillers) socket.destroy();
    Atomics.store(new Int32Array(gate), 0, 1);
    Atomics.notify(new Int32Array(gate), 0);
    await worker.terminate();
  });
  return port;
}
