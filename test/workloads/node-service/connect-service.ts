/**
 * connect-service.ts PLAN: an instrumented client that makes the attempts of a plan (JSON, an array of `Attempt`) all at once, and
 * prints the truth: a JSON line for each, in the order of the plan, with the span that asked for it, and how it ended.
 */
import { createRequire } from 'node:module';
import type * as Http from 'node:http';
import type * as Https from 'node:https';
import type { LookupFunction } from 'node:net';
import type * as Net from 'node:net';
import { context, trace, type SpanContext } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';

/** One that the application asks for: `late` when its span is over already, `queued` by an agent with one connection. */
interface Attempt {
  readonly by: 'net' | 'families' | 'http' | 'https' | 'queued' | 'fetch' | 'late';
  readonly host: string;
  readonly port: number;
  readonly hasSpan: boolean;
}

interface Outcome {
  readonly error?: string;
}

const spans = new Map<string, SpanContext>();
const require = createRequire(import.meta.url);
const instrumentation = new HttpInstrumentation({
  requireParentforOutgoingSpans: true,
  requestHook: (span, request) => {
    if ('getHeader' in request && 'path' in request) spans.set(String(request.path), span.spanContext());
  },
});
const spanProcessors = [new SimpleSpanProcessor({ exporter: new InMemorySpanExporter() })];
new NodeSDK({ instrumentations: [instrumentation], spanProcessors }).start();
// Instrumentation patches what is required after it started.
const http = require('node:http') as typeof Http;
const https = require('node:https') as typeof Https;
const net = require('node:net') as typeof Net;
const oneByOne = new http.Agent({ maxSockets: 1 });

const bothFamilies = ((_name, _options, answer) =>
  answer(null, [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ])) as LookupFunction;

function connect(options: Net.TcpNetConnectOpts): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = net.connect(options, () => socket.resume());
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve({ error: code ?? '' }));
    socket.once('end', () => resolve({}));
  });
}

function request({ by, host, port }: Attempt, path: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { host, port, path, ...(by === 'queued' ? { agent: oneByOne } : {}) };
    const asked = (by === 'https' ? https : http).get(options);
    asked.once('error', ({ code }: NodeJS.ErrnoException) => resolve({ error: code ?? '' }));
  });
}

async function fetched({ host, port }: Attempt): Promise<Outcome> {
  try {
    await fetch(`http://${host}:${port}/`);
    return {};
  } catch (error) {
    return { error: ((error as Error).cause as NodeJS.ErrnoException).code ?? '' };
  }
}

function play(attempt: Attempt, path: string): Promise<Outcome> {
  const { by, host, port } = attempt;
  if (by === 'fetch') return fetched(attempt);
  if (by === 'families') return connect({ host: 'two.test', port, lookup: bothFamilies });
  if (by === 'net' || by === 'late') return connect({ host, port });
  return request(attempt, path);
}

/** The attempt in a span of its own, or in none. */
async function run(attempt: Attempt, index: number): Promise<object> {
  const path = `/${index}`;
  if (!attempt.hasSpan) return play(attempt, path);
  const span = trace.getTracer('test').startSpan(path);
  const active = trace.setSpan(context.active(), span);
  if (attempt.by === 'late') span.end();
  const outcome = await context.with(active, () => play(attempt, path));
  span.end();
  const { traceId, spanId, traceFlags: flags } = spans.get(path) ?? span.spanContext();
  return { ...outcome, traceId, spanId, flags };
}

const plan = JSON.parse(process.argv[2] ?? '[]') as Attempt[];
const outcomes = await Promise.all(plan.map(run));
process.stdout.write(`${outcomes.map((outcome) => JSON.stringify(outcome)).join('\n')}\n`, () =>
  process.exit(0),
);
