/** Requests to the gateway, and their traces as Jaeger has them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { getCurrentTrace, getTrace, type StoredSpan } from '../test/backends/jaeger-traces.ts';
import type { Jaeger } from '../test/backends/run.ts';

/** A request that was answered. */
export interface Asked {
  readonly path: string;
  readonly traceId: string;
  readonly tookMs: number;
}

/** A trace, and what Jaeger has to say against it. */
export interface Trace {
  readonly spans: readonly StoredSpan[];
  readonly warnings: readonly string[];
}

const [POLL_MS, SETTLED_MS, PATIENCE_MS] = [200, 2_500, 20_000];

/** Asks for an order, say. Rejects when there is none. */
export async function ask(port: number, path: string, signal: AbortSignal): Promise<Asked> {
  const began = performance.now();
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`GET ${path} was answered with ${answer.status}: ${text}`);
  const traceId = answer.headers.get('x-trace-id') ?? '';
  return { path, traceId, tookMs: performance.now() - began };
}

/** The trace once nothing was added to it for a while and `isWhole`, or when patience is over: what is there then. */
export async function readTrace(
  jaeger: Jaeger,
  traceId: string,
  { isWhole, signal }: { isWhole: (spans: readonly StoredSpan[]) => boolean; signal: AbortSignal },
): Promise<Trace> {
  const began = Date.now();
  let [spans, changed]: [StoredSpan[], number] = [[], began];
  while (Date.now() < began + PATIENCE_MS) {
    const now = await getTrace(jaeger, traceId).catch(() => []);
    if (now.length !== spans.length) [spans, changed] = [now, Date.now()];
    if (isWhole(spans) && Date.now() >= changed + SETTLED_MS) break;
    await sleep(POLL_MS, undefined, { signal });
  }
  // Each of its two interfaces finds the clocks of hosts in its own way.
  const current = await getCurrentTrace(jaeger, traceId);
  const warnings = new Set([...spans, ...current].flatMap((span) => span.warnings));
  return { spans, warnings: [...warnings] };
}
