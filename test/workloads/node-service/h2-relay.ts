/**
 * h2-relay.ts KIND: a server of `http2` or `grpc` that echoes, behind a relay that writes down what passes. Prints its port; with `both`
 * behind KIND also the server's. When its input ends, a JSON line for each connection: its port, its frames as [place in the bytes,
 * length, type, stream], the `traceparent` that the server read on each stream, by the stream's number, and of the connection to the
 * server its port and the frames of the answers.
 */
import { subscribe } from 'node:diagnostics_channel';
import * as http2 from 'node:http2';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import * as grpc from '@grpc/grpc-js';

const FRAME_HEAD = 9;
const PREFACE = 24;
const same = (bytes: Buffer): Buffer => bytes;

const portOf = (server: Server, port = 0): Promise<number> =>
  new Promise((resolve) =>
    server.listen(port, '127.0.0.1', 511, () => resolve((server.address() as AddressInfo).port)),
  );

async function serveGrpc(): Promise<number> {
  const server = new grpc.Server();
  const say = {
    path: '/echo.Echo/Say',
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  server.addService(
    { say },
    {
      say: (call: { request: Buffer }, answer: (error: null, value: Buffer) => void) =>
        answer(null, call.request),
    },
  );
  return new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  );
}

function framesOf(bytes: Buffer, begin: number): number[][] {
  const frames: number[][] = [];
  for (let at = begin; at + FRAME_HEAD <= bytes.length;) {
    const length = bytes.readUIntBE(at, 3);
    frames.push([at, FRAME_HEAD + length, bytes[at + 3] ?? 0, bytes.readUInt32BE(at + 5) & 0x7fffffff]);
    at += FRAME_HEAD + length;
  }
  return frames;
}

const [kind, said] = process.argv.slice(2);
const echo = http2.createServer((request, response) => {
  request.pipe(response);
});
const target = kind === 'grpc' ? await serveGrpc() : await portOf(echo);
const written = new Map<number, Buffer[]>();
const answered = new Map<number, Buffer[]>();
/** What the server read, by the relay's port and the stream. */
const read = new Map<number, Record<number, string>>();
subscribe('http2.server.stream.created', (message) => {
  const { stream, headers } = message as {
    stream: http2.ServerHttp2Stream;
    headers: http2.IncomingHttpHeaders;
  };
  const port = stream.session?.socket.remotePort ?? 0;
  const { traceparent } = headers;
  if (typeof traceparent === 'string') read.set(port, { ...read.get(port), [stream.id ?? 0]: traceparent });
});
/** The relay's port towards the server, by its client's. */
const behind = new Map<number, number>();
const relay = createServer((client) => {
  const chunks: Buffer[] = [];
  const answers: Buffer[] = [];
  const { remotePort = 0 } = client;
  const server = connect(target, '127.0.0.1', () => behind.set(remotePort, server.localPort ?? 0));
  written.set(remotePort, chunks);
  answered.set(remotePort, answers);
  server.on('data', (chunk: Buffer) => answers.push(chunk));
  client.on('data', (chunk: Buffer) => chunks.push(chunk));
  client.pipe(server).pipe(client);
  for (const end of [client, server])
    end.on('error', () => {
      client.destroy();
      server.destroy();
    });
});
process.stdout.write(`${await portOf(relay)}${said === 'both' ? ` ${target}` : ''}\n`);
process.stdin.resume().on('end', () => {
  const lines = [...written].map(([port, chunks]) => {
    const serverPort = behind.get(port) ?? 0;
    return JSON.stringify({
      port,
      frames: framesOf(Buffer.concat(chunks), PREFACE),
      values: read.get(serverPort) ?? {},
      behind: serverPort,
      answers: framesOf(Buffer.concat(answered.get(port) ?? []), 0),
    });
  });
  process.stdout.write(`${lines.join('\n')}\n`, () => process.exit(0));
});
