/** What the demo shows: a request whose segment was lost, as Jaeger has its trace; then more of them, until it is ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { StoredSpan } from '../test/backends/jaeger-traces.ts';
import type { Shown } from './picture.ts';
import { ask, readTrace, type Asked, type Trace } from './requests.ts';
import type { Stage } from './stage.ts';
import { renderTree, type TreeOptions } from './tree.ts';

export interface StoryOptions {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  readonly tree: TreeOptions;
}

const RETRANSMIT = /^tcp retransmit/;
const TRIES = 5;
/** A segment and the first one that is sent in its place: TCP then waits for its retransmission timeout, 200 ms at least. */
const COPIES = 2;
const [PAUSE_MS, PERMILLE, ORDERS] = [500, 100, 1_000];
/** A request that takes as long is worth a line. */
const SLOW_MS = 100;

const EXCHANGE = /^tcp exchange/;
const hasRetransmit = (spans: readonly StoredSpan[]): boolean =>
  spans.some(({ name }) => RETRANSMIT.test(name));
const hasExchange = (spans: readonly StoredSpan[]): boolean =>
  hasRetransmit(spans) && spans.some(({ name }) => EXCHANGE.test(name));

/** Where a request's segments are lost, and what those are. */
interface Loss {
  readonly port: 'orders' | 'postgres' | 'stock';
  readonly what: string;
  /** Where the gateway is asked, without the id. */
  readonly path: string;
  readonly isWhole: (spans: readonly StoredSpan[]) => boolean;
}

const OF_ORDERS = { path: '/orders', isWhole: hasRetransmit };
const REQUEST: Loss = { ...OF_ORDERS, port: 'orders', what: 'what the gateway sent to orders' };
const QUERY: Loss = { ...OF_ORDERS, port: 'postgres', what: 'what orders asked of PostgreSQL' };
const PLAIN: Loss = {
  port: 'stock',
  what: 'what the gateway asked of stock',
  path: '/stock',
  isWhole: hasExchange,
};

/**
 * The first request is lost itself (`lost`); the query of the next one is lost, by which the connection is there; and one that is
 * read on the wire, so that it is told what its time was spent on (`divided`).
 */
export async function showLosses(
  stage: Stage,
  options: StoryOptions,
): Promise<{ readonly lost: Shown; readonly divided: Shown }> {
  const lost = await showLoss(stage, REQUEST, options);
  await showLoss(stage, QUERY, options);
  return { lost, divided: await showLoss(stage, PLAIN, options) };
}

/**
 * The request loses its segments to the port, and each once more. Where the kernel ran no program when it sent it again, so that
 * nobody was told, that is said, and another one is shown.
 */
async function showLoss(
  { jaeger, network, ports, wirespan }: Stage,
  loss: Loss,
  options: StoryOptions,
): Promise<Shown> {
  const { say, signal } = options;
  for (let id = 1; id <= TRIES; id++) {
    network.lose(ports[loss.port], { copies: COPIES });
    const asked = await ask(ports.gateway, `${loss.path}/${id}`, signal);
    network.spareNew(ports[loss.port], COPIES);
    const trace = await readTrace(jaeger, asked.traceId, { signal, isWhole: loss.isWhole });
    tell(asked, trace, loss, options);
    if (hasRetransmit(trace.spans)) return { traceId: asked.traceId, spans: trace.spans.length };
    say('What it sent again is not there: on some kernels no program runs in some softirqs. Once more:');
  }
  const why = warningsOf(wirespan.log());
  throw new Error(
    `none of ${TRIES} requests that lost a segment has a retransmission. wirespan says: ${why}`,
  );
}

/** What the agent logged beside the usual, a line each. */
function warningsOf(log: string): string {
  const lines = log.split('\n').filter((line) => /"level":"(?:warn|error|fatal)"/.test(line));
  return lines.length === 0 ? 'nothing' : `\n${lines.join('\n')}`;
}

function tell(
  { path }: Asked,
  { spans, warnings }: Trace,
  { what }: Loss,
  { say, tree }: StoryOptions,
): void {
  const took = lengthMs(spans.filter(({ parentSpanId }) => parentSpanId === ''));
  say(`\nGET ${path} took ${took} ms. Its trace in Jaeger, ▒ are wirespan's spans:\n`);
  say(renderTree(spans, tree));
  if (hasRetransmit(spans)) {
    const lost = lengthMs(spans.filter(({ name }) => RETRANSMIT.test(name)));
    say(`\n${lost} of ${took} ms: ${what} was lost, and sent again until it arrived.`);
  }
  say(`Jaeger's warnings of this trace (clock skew, missing parents): ${warnings.length}`);
  for (const warning of warnings) say(`  ${warning}`);
}

/** Together, in whole milliseconds. */
function lengthMs(spans: readonly StoredSpan[]): string {
  return spans.reduce((sum, { startUs, endUs }) => sum + (endUs - startUs) / 1_000, 0).toFixed(0);
}

/** One request after the other, every tenth of whose segments is lost; a line for each slow one. Ends by `signal` alone. */
export async function goOn({ network, ports }: Stage, { signal, say }: StoryOptions): Promise<never> {
  network.lose(ports.orders, { permille: PERMILLE });
  for (let id = TRIES + 1; ; id = (id % ORDERS) + 1) {
    const { path, tookMs, traceId } = await ask(ports.gateway, `/orders/${id}`, signal);
    if (tookMs >= SLOW_MS)
      say(`GET ${path} took ${tookMs.toFixed(0)} ms: http://localhost:${ports.jaeger}/trace/${traceId}`);
    await sleep(PAUSE_MS, undefined, { signal });
  }
}
