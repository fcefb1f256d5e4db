/**
 * https-service.ts serve CERT KEY: answers each HTTPS request with its path; prints {"port":N} when it listens.
 * https-service.ts call PORT REQUESTS CONCURRENCY [fetch]: an instrumented client with keep-alive, through `node:https`, whose
 * CLIENT spans the stock SDK makes, or through `fetch()`, in a span of the application's. Prints the truth: a JSON line
 * for each request, with the connection's local port, the bytes of its stream
 * that it wrote (`from` to before `to`), the moment its response ended (CLOCK_MONOTONIC) and its span.
 */
import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { createServer, type RequestOptions } from 'node:https';
import type * as Https from 'node:https';
import { createRequire } from 'node:module';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { trace, type SpanContext } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';

interface Call {
  readonly span: SpanContext;
  readonly localPort: number;
  readonly from: number;
  readonly to: number;
}

/** Where a request began: its connection, and what that had written by then. */
interface Begin {
  readonly socket: Socket;
  readonly from: number;
}

const spans = new Map<string, SpanContext>();
const begins = new Map<string, Begin>();

/** What was written below TLS. */
function written(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle: { _parent?: { bytesWritten: number } } };
  return handle._parent?.bytesWritten ?? 0;
}

/** The call of a response that has ended. */
function callOf(path: string, span: SpanContext): Call {
  const { socket, from } = begins.get(path) ?? {};
  if (socket === undefined || from === undefined) throw new Error(`no connection of ${path}`);
  return { span, localPort: socket.localPort ?? 0, from, to: written(socket) };
}

function serve(cert: string, key: string): void {
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    request.resume();
    request.once('end', () => response.end(request.url));
  });
  server.keepAliveTimeout = 120_000;
  server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, () => {
    process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
  });
}

/** Instrumentation patches what is required after it started. */
function instrumented(): typeof Https {
  const instrumentation = new HttpInstrumentation({
    requestHook: (span, request) => {
      if ('getHeader' in request && 'path' in request) spans.set(String(request.path), span.spanContext());
    },
  });
  // Spans are made, and go nowhere.
  const spanProcessors = [new SimpleSpanProcessor({ exporter: new InMemorySpanExporter() })];
  new NodeSDK({ instrumentations: [instrumentation], spanProcessors }).start();
  return createRequire(import.meta.url)('node:https') as typeof Https;
}

function through(https: typeof Https, options: RequestOptions): Promise<Call> {
  const path = String(options.path);
  return new Promise((resolve, reject) => {
    const request = https.get(options, (response: IncomingMessage) => {
      response.resume();
      response.once('end', () => resolve(callOf(path, spanOf(path))));
    });
    request.once('socket', (socket) => begins.set(path, { socket, from: written(socket) }));
    request.once('error', reject);
  });
}

function fetched(url: string, path: string): Promise<Call> {
  return trace.getTracer('test').startActiveSpan(path, async (span) => {
    await (await fetch(url + path)).text();
    span.end();
    return callOf(path, span.spanContext());
  });
}

function spanOf(path: string): SpanContext {
  const span = spans.get(path);
  if (span === undefined) throw new Error(`no span of ${path}`);
  return span;
}

async function call(port: number, requests: number, concurrency: number, isFetch: boolean): Promise<void> {
  const https = instrumented();
  subscribe('undici:client:sendHeaders', (message) => {
    const { request, socket } = message as { request: { path: string }; socket: Socket };
    begins.set(request.path, { socket, from: written(socket) });
  });
  const agent = new https.Agent({ keepAlive: true, maxSockets: concurrency });
  const lines: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < requests) {
      const path = `/r/${next++}`;
      const { span, ...where } = await (isFetch
        ? fetched(`https://127.0.0.1:${port}`, path)
        : through(https, { host: '127.0.0.1', port, path, agent }));
      const { traceId, spanId, traceFlags } = span;
      const endNs = String(process.hrtime.bigint());
      lines.push(`${JSON.stringify({ ...where, endNs, traceId, spanId, flags: traceFlags })}\n`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  // A pipe takes it in parts.
  process.stdout.write(lines.join(''), () => process.exit(0));
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'serve') serve(rest[0] ?? '', rest[1] ?? '');
else await call(Number(rest[0]), Number(rest[1]), Number(rest[2]), rest[3] === 'fetch');
