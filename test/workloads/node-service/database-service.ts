/**
 * database-service.ts KIND WAY PORT CA COMMANDS CONNECTIONS PARALLEL SDK FIRST: a client of Redis (`redis`, `rediss`) or PostgreSQL (`pg`,
 * `pgs`), each command in a span of its own; with the stock SDK, its instrumentations too, or none (`instrumented`, `spans`, `none`). Prints `ready` when it is connected, waits
 * for a line, and prints the truth: a JSON line for each command, in which `asked` is the span that was active when it was asked for, and `own` that of its instrumentation.
 */
import { once } from 'node:events';
import { trace, type Span, type SpanContext } from '@opentelemetry/api';
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { pgWays, placedSend, redisWays, type Place, type Send, type Target } from './database-clients.ts';

const TEXT = /n:\d{8}/;
const own = new Map<string, SpanContext>();

/** The first span of each command: a client that sends it again, or later, has another one made in the context of anybody. */
function note(span: Span, words: readonly unknown[]): void {
  const text = TEXT.exec(words.map(String).join(' '))?.[0];
  if (text !== undefined && !own.has(text)) own.set(text, span.spanContext());
}

function startSdk(isInstrumented: boolean): void {
  const spanProcessors = [new SimpleSpanProcessor({ exporter: new InMemorySpanExporter() })];
  // They patch as soon as they are made.
  const instrumentations = isInstrumented
    ? [
        new IORedisInstrumentation({ requestHook: (span, { cmdArgs }) => note(span, cmdArgs) }),
        new PgInstrumentation({ requestHook: (span, { query }) => note(span, [query.text]) }),
      ]
    : [];
  // Spans are made, and go nowhere.
  new NodeSDK({ instrumentations, spanProcessors }).start();
}

async function newSend(kind: string, way: string, target: Target, places: Map<string, Place>): Promise<Send> {
  if (way === 'placed') return placedSend(kind, target, (text, place) => places.set(text, place));
  const open = (kind.startsWith('redis') ? redisWays : pgWays)[way];
  if (open === undefined) throw new Error(`no way ${way} of ${kind}`);
  return open(target);
}

async function call([kind = '', way = '', port, ca = '', ...others]: readonly string[]): Promise<void> {
  const [commands = 0, connections = 0, parallel = 0] = others.slice(0, 3).map(Number);
  const sdk = others[3];
  if (sdk !== 'none') startSdk(sdk === 'instrumented');
  const places = new Map<string, Place>();
  const target = { port: Number(port), hasTls: kind.endsWith('s') && kind !== 'redis', ca, connections };
  const send = await newSend(kind, way, target, places);
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  const lines: string[] = [];
  const first = Number(others[4]);
  let next = 0;
  const one = async (): Promise<void> => {
    const text = `n:${String(first + next++).padStart(8, '0')}`;
    await trace.getTracer('test').startActiveSpan(text, async (span) => {
      const startNs = String(process.hrtime.bigint());
      await send(text);
      const endNs = String(process.hrtime.bigint());
      span.end();
      const told = { text, startNs, endNs, asked: span.spanContext(), own: own.get(text) };
      lines.push(`${JSON.stringify({ ...told, ...places.get(text) })}\n`);
    });
  };
  const worker = async (): Promise<void> => {
    while (next < commands) await one();
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  // A pipe takes it in parts.
  process.stdout.write(lines.join(''), () => process.exit(0));
}

await call(process.argv.slice(2));
