/**
 * context-service.ts serve CERT KEY: answers over HTTP/1.1, with TLS and without, HTTP/2 over TLS, and lines over TCP; prints its ports when it
 * listens.
 * context-service.ts call KIND PORT CA REQUESTS CONNECTIONS PARALLEL: publishes the context that it is in by @datadog/pprof, connects
 * once, prints `ready`, waits for a line, and prints the truth: a JSON line for each request (`Request`).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createRequire } from 'node:module';
import type * as Pprof from '@datadog/pprof';
import { CLIENTS, openings, type Place } from './context-clients.ts';

interface Request extends Place {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
  readonly hasHeader: boolean;
  /** CLOCK_MONOTONIC: when it was asked for, and when its answer had come. */
  readonly startNs: string;
  readonly endNs: string;
}

function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  request.resume();
  request.once('end', () => response.end(request.url));
}

/** Each line is answered by itself. */
function echo(socket: Socket): void {
  socket.setNoDelay().on('error', () => socket.destroy());
  socket.pipe(socket);
}

async function serve(cert: Buffer, key: Buffer): Promise<void> {
  const lasting = { keepAliveTimeout: 120_000 };
  const echoStream = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse): void => {
    request.pipe(response);
  };
  const servers: Record<string, Server> = {
    https: https.createServer({ cert, key, ...lasting }, answer),
    http: http.createServer(lasting, answer),
    undici: https.createServer({ cert, key, ...lasting }, answer),
    pipelined: createServer(echo),
    queued: createServer(echo),
    http2s: http2.createSecureServer({ cert, key }, echoStream),
  };
  const ports: Record<string, number> = {};
  for (const [name, server] of Object.entries(servers)) {
    server.listen(0, '127.0.0.1', 511);
    await once(server, 'listening');
    ports[name] = (server.address() as AddressInfo).port;
  }
  process.stdout.write(`${JSON.stringify(ports)}\n`);
}

const { otelThreadCtx } = createRequire(import.meta.url)('@datadog/pprof') as typeof Pprof;

/** Runs it within a context of its own, whose record stays valid for good. */
function within<T>(
  { traceId, spanId, flags }: Pick<Request, 'traceId' | 'spanId' | 'flags'>,
  run: () => T,
): T {
  const bytes = (id: string): Uint8Array => Uint8Array.from(Buffer.from(id, 'hex'));
  return new otelThreadCtx.ThreadContext(bytes(traceId), bytes(spanId), flags).run(run);
}

/** An application has more than one such storage, and the record is in a bucket with others. */
const others = Array.from({ length: 12 }, () => new AsyncLocalStorage<object>());

function amongOthers<T>(run: () => T): T {
  return others.reduceRight<() => T>((inner, store) => () => store.run({}, inner), run)();
}

const newId = (bytes: number): string => `b${randomBytes(bytes).toString('hex').slice(1)}`;

async function call(args: readonly string[]): Promise<void> {
  const [kind = '', port, ca = '', count, connections, parallel] = args;
  const target = { port: Number(port), ca: readFileSync(ca), connections: Number(connections) };
  within({ traceId: newId(16), spanId: newId(8), flags: 0 }, () => undefined);
  await once(
    connect(target.port, '127.0.0.1', function (this: Socket) {
      this.destroy();
    }),
    'close',
  );
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  const send = await CLIENTS[kind]?.(target);
  if (send === undefined) throw new Error(`no client ${kind}`);
  const requests: Request[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < Number(count)) {
      const number = next++;
      const own = { traceId: newId(16), spanId: newId(8), flags: number % 2 };
      // A header names a span of its own, within what the thread is in.
      const hasHeader = kind === 'http' && number % 4 === 0;
      const told = hasHeader ? { ...own, spanId: newId(8) } : own;
      const header = `00-${told.traceId}-${told.spanId}-0${told.flags}`;
      const startNs = String(process.hrtime.bigint());
      const place = await within(own, () =>
        amongOthers(() => send(`/r/${number}`, hasHeader ? header : undefined)),
      );
      const endNs = String(process.hrtime.bigint());
      requests[number] = { ...place, ...told, hasHeader, startNs, endNs };
    }
  };
  await Promise.all(Array.from({ length: Number(parallel) }, worker));
  for (const { path, ...place } of openings) {
    const asker = requests[Number(path.split('/').at(-1))];
    if (asker !== undefined) requests.push({ ...asker, ...place });
  }
  // A pipe takes it in parts.
  process.stdout.write(requests.map((one) => `${JSON.stringify(one)}\n`).join(''), () => process.exit(0));
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'serve') await serve(readFileSync(rest[0] ?? ''), readFileSync(rest[1] ?? ''));
else await call(rest);
