/**
 * plain-service.ts serve: answers each HTTP request with some hundred bytes; prints {"port":N} when it listens.
 * plain-service.ts call PORT REQUESTS CONCURRENCY: an instrumented client with keep-alive, through `node:http`, of which every fourth
 * request has no span and no header. Prints the truth: a JSON line for each request, with the connection's local port, the bytes of
 * its stream that the request and its response have (`from` to before `to`), and the span.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type * as Http from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import type { SpanContext } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';

interface Bytes {
  readonly from: number;
  readonly to: number;
}

interface Call {
  readonly localPort: number;
  readonly request: Bytes;
  readonly response: Bytes;
}

const spans = new Map<string, SpanContext>();

function serve(): void {
  const server = createServer((request, response) => {
    response.end('r'.repeat(100 + (Number(request.url?.split('/').at(-1)) % 7) * 300));
  });
  server.keepAliveTimeout = 120_000;
  server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, () => {
    process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
  });
}

/** Instrumentation patches what is required after it started. */
function instrumented(): typeof Http {
  const instrumentation = new HttpInstrumentation({
    ignoreOutgoingRequestHook: ({ path }) => path?.startsWith('/none/') === true,
    requestHook: (span, request) => {
      if ('getHeader' in request && 'path' in request) spans.set(String(request.path), span.spanContext());
    },
  });
  // Spans are made, and go nowhere.
  const spanProcessors = [new SimpleSpanProcessor({ exporter: new InMemorySpanExporter() })];
  new NodeSDK({ instrumentations: [instrumentation], spanProcessors }).start();
  return createRequire(import.meta.url)('node:http') as typeof Http;
}

function ask(http: typeof Http, options: Http.RequestOptions): Promise<Call> {
  return new Promise((resolve, reject) => {
    const request = http.get(options, (response: IncomingMessage) => {
      response.resume();
      response.once('end', () => {
        const { localPort = 0, bytesWritten, bytesRead } = socket ?? {};
        const [written = 0, read = 0] = before;
        resolve({
          localPort,
          request: { from: written, to: bytesWritten ?? 0 },
          response: { from: read, to: bytesRead ?? 0 },
        });
      });
    });
    let socket: Socket | undefined;
    let before: readonly number[] = [];
    request.once('socket', (used) => {
      socket = used;
      before = [used.bytesWritten, used.bytesRead];
    });
    request.once('error', reject);
  });
}

async function call(port: number, requests: number, concurrency: number): Promise<void> {
  const http = instrumented();
  const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
  const lines: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < requests) {
      const path = `/${next % 4 === 3 ? 'none' : 'r'}/${next++}`;
      const where = await ask(http, { host: '127.0.0.1', port, path, agent });
      const { traceId, spanId, traceFlags: flags } = spans.get(path) ?? {};
      spans.delete(path);
      lines.push(`${JSON.stringify({ ...where, traceId, spanId, flags })}\n`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  // A pipe takes it in parts.
  process.stdout.write(lines.join(''), () => process.exit(0));
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'serve') serve();
else await call(Number(rest[0]), Number(rest[1]), Number(rest[2]));
