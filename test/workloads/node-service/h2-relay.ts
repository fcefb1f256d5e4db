/**
 * h2-relay.ts KIND: a server of `http2` or `grpc` that echoes, behind a relay that writes down what its clients send. Prints its port;
 * when its input ends, a JSON line for each connection: its port, and its frames as [place in the bytes, length, type, stream].
 */
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

function framesOf(bytes: Buffer): number[][] {
  const frames: number[][] = [];
  for (let at = PREFACE; at + FRAME_HEAD <= bytes.length;) {
    const length = bytes.readUIntBE(at, 3);
    frames.push([at, FRAME_HEAD + length, bytes[at + 3] ?? 0, bytes.readUInt32BE(at + 5) & 0x7fffffff]);
    at += FRAME_HEAD + length;
  }
  return frames;
}

const [kind] = process.argv.slice(2);
const echo = http2.createServer((request, response) => {
  request.pipe(response);
});
const target = kind === 'grpc' ? await serveGrpc() : await portOf(echo);
const written = new Map<number, Buffer[]>();
const relay = createServer((client) => {
  const chunks: Buffer[] = [];
  written.set(client.remotePort ?? 0, chunks);
  const server = connect(target, '127.0.0.1');
  client.on('data', (chunk: Buffer) => chunks.push(chunk));
  client.pipe(server).pipe(client);
  for (const end of [client, server])
    end.on('error', () => {
      client.destroy();
      server.destroy();
    });
});
process.stdout.write(`${await portOf(relay)}\n`);
process.stdin.resume().on('end', () => {
  const lines = [...written].map(([port, chunks]) =>
    JSON.stringify({ port, frames: framesOf(Buffer.concat(chunks)) }),
  );
  process.stdout.write(`${lines.join('\n')}\n`, () => process.exit(0));
});
