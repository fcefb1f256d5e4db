/**
 * deploy/gateway: twenty agents' telemetry by way of two nodes' collectors to two gateways. The agents' is what `wirespan replay`
 * sends of one recording, each time with ids and a host of its own.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readMetricPoints, readSpans, type SpanEntry } from '../backends/otlp.ts';
import { readOtlpJsonLines, startCollector } from '../backends/run.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { ADDRESSES, Gateways, type Address, type Measured, type Signal } from '../support/gateways.ts';
import { asNobody, ReportRig } from './report-rig.ts';

const AGENTS = 20;
/** Above what gateway.yaml calls slow. */
const SLOW_MS = 1_500;
const [SURVIVES, DIES] = ADDRESSES;
/** Requests that wait at a node. */
const QUEUED = 'otelcol_exporter_queue_size';
const ON_MEMORY = 'otelcol_processor_tail_sampling_sampling_traces_on_memory';

interface Attribute {
  key: string;
  value: object;
}
interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
}
interface Resource {
  resource: { attributes: Attribute[] };
  scopeSpans?: { scope: { name: string }; spans: Span[] }[];
}
type Request = Record<string, Resource[]>;

const newId = (bytes: number): string => randomBytes(bytes).toString('hex');

/** The same telemetry as another agent's: its host and the ids of its spans are others. */
function asAgent(request: Request, host: string): Request {
  const copy = structuredClone(request);
  const ids = new Map<string, string>();
  for (const { resource, scopeSpans = [] } of Object.values(copy).flat()) {
    resource.attributes = resource.attributes.filter(({ key }) => key !== 'host.name');
    resource.attributes.push({ key: 'host.name', value: { stringValue: host } });
    for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
      ids.set(span.spanId, (span.spanId = newId(8)));
      span.parentSpanId = ids.get(span.parentSpanId ?? '') ?? span.parentSpanId ?? '';
    }
  }
  return copy;
}

/** Spans of an application, one of each trace, at the time of what is known of it; `more`: what they have beside that. */
function applicationSpans(
  traces: Iterable<string>,
  kind: number,
  timeOf: (traceId: string) => bigint | undefined = () => undefined,
  more: object = {},
): Request {
  const now = BigInt(Date.now()) * 1_000_000n;
  const spans = [...traces].map((traceId) => {
    const time = String(timeOf(traceId) ?? now);
    const times = { startTimeUnixNano: time, endTimeUnixNano: time };
    return { traceId, spanId: newId(8), name: 'GET /a', kind, ...times, ...more };
  });
  return {
    resourceSpans: [
      { resource: { attributes: [] }, scopeSpans: [{ scope: { name: 'application' }, spans }] },
    ],
  };
}

/** Traces in which wirespan says that a segment was sent again. */
function hurtSpans(count: number): { ids: Set<string>; request: Request } {
  const ids = new Set(Array.from({ length: count }, () => newId(16)));
  const request = applicationSpans(ids, 1);
  for (const { scopeSpans = [] } of request['resourceSpans'] ?? [])
    for (const each of scopeSpans) {
      each.scope.name = 'wirespan/tcp';
      for (const span of each.spans) Object.assign(span, { name: 'tcp retransmit' });
    }
  return { ids, request };
}

async function send(url: string, signal: Signal, request: Request): Promise<void> {
  const answer = await fetch(`${url}/v1/${signal}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  assert.equal(answer.status, 200, await answer.text());
}

function countBy<Item>(items: Iterable<Item>, nameOf: (item: Item) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1);
  return counts;
}

describe('gateways that nodes share out to', () => {
  const cleanup = new Cleanup();
  const gateways = new Gateways(cleanup);
  const running = new Map<Address, Measured>();
  const nodes: (Measured & { readonly url: string })[] = [];
  /** What one agent sent. */
  const sent: Record<Signal, Request[]> = { traces: [], metrics: [], logs: [] };
  let agentSpans: readonly SpanEntry[] = [];
  let traces: ReadonlySet<string>;

  const spansAt = (address: Address): SpanEntry[] => readSpans(gateways.file(address, 'traces'));
  const url = (node: number): string => nodes[node % nodes.length]?.url ?? '';
  const onMemory = async (): Promise<number> => {
    const figures = [...running.values()].map((each) => each.figure(ON_MEMORY));
    return (await Promise.all(figures)).reduce((sum, figure) => sum + figure, 0);
  };
  /** Spans that were sent have reached a gateway, which has decided. */
  const areDecided = async (): Promise<void> => {
    await waitFor('traces to arrive', async () => (await onMemory()) > 0);
    await waitFor('all traces to be decided', async () => (await onMemory()) === 0);
  };

  before(async () => {
    const rig = new ReportRig(cleanup);
    const recording = join(rig.folder, 'recording');
    ({ traces } = await rig.record(recording));
    const collector = await startCollector({
      outputDir: join(gateways.folder, 'truth'),
      batchTimeout: '100ms',
    });
    cleanup.add(() => collector.kill());
    const replayed = await asNobody(
      'replay',
      recording,
      `--otlp.endpoint=http://127.0.0.1:${collector.grpcPort}`,
      '--events.rate_limit=0',
    );
    assert.equal(replayed.code, 0, replayed.stderr);
    await collector.stop();
    agentSpans = readSpans(collector.tracesFile);
    sent.traces = readOtlpJsonLines(collector.tracesFile);
    sent.metrics = readOtlpJsonLines(collector.metricsFile);
    sent.logs = readOtlpJsonLines(collector.logsFile);
    gateways.setAddresses(ADDRESSES);
    for (const address of ADDRESSES) running.set(address, await gateways.startGateway(address));
    nodes.push(await gateways.startNode(), await gateways.startNode());
  });
  after(() => cleanup.run());

  it('have all spans of a trace that the network hurt, from all nodes, at one of them, and no other trace', async () => {
    for (let agent = 0; agent < AGENTS; agent += 1)
      for (const signal of ['traces', 'metrics', 'logs'] as const)
        for (const request of sent[signal])
          await send(url(agent), signal, asAgent(request, `node-${agent}.example`));
    const times = new Map(agentSpans.map(({ traceId, startNs }) => [traceId, startNs]));
    for (const kind of [2, 3])
      await send(
        url(kind),
        'traces',
        applicationSpans(traces, kind, (id) => times.get(id)),
      );
    const [failed, slow] = [newId(16), newId(16)];
    await send(url(0), 'traces', applicationSpans([failed], 2, undefined, { status: { code: 2 } }));
    const long = { startTimeUnixNano: String(BigInt(Date.now() - SLOW_MS) * 1_000_000n) };
    await send(url(1), 'traces', applicationSpans([slow], 2, undefined, long));
    await areDecided();
    const hurt = countBy(
      agentSpans.filter(({ name }) => !/^tcp connect /.test(name)),
      ({ traceId }) => traceId,
    );
    assert.ok(hurt.size > 3 && hurt.size < traces.size, `${hurt.size} of ${traces.size} are hurt`);
    const ofAgent = countBy(agentSpans, ({ traceId }) => traceId);
    const expected = new Map(
      [...hurt.keys()].map((id) => [id, AGENTS * (ofAgent.get(id) ?? 0) + (traces.has(id) ? 2 : 0)]),
    );
    expected.set(failed, 1).set(slow, 1);
    const kept = (): SpanEntry[] => ADDRESSES.flatMap(spansAt);
    const total = [...expected.values()].reduce((sum, count) => sum + count, 0);
    await waitFor('the spans', () => kept().length >= total);
    assert.deepEqual(
      new Map([...countBy(kept(), ({ traceId }) => traceId)].sort()),
      new Map([...expected].sort()),
    );
    const [one, other] = ADDRESSES.map((address) => new Set(spansAt(address).map(({ traceId }) => traceId)));
    assert.ok(one !== undefined && other !== undefined && one.size > 0 && other.size > 0);
    assert.deepEqual(
      [...one].filter((id) => other.has(id)),
      [],
    );
  });

  it('have all points of a workload at one of them', async () => {
    const resources = (address: Address): Set<string> =>
      new Set(
        readMetricPoints(gateways.file(address, 'metrics')).map(({ resource }) => JSON.stringify(resource)),
      );
    const [one, other] = ADDRESSES.map(resources);
    assert.ok(one !== undefined && other !== undefined && one.size > 0 && other.size > 0);
    assert.deepEqual(
      [...one].filter((each) => other.has(each)),
      [],
    );
    const hosts = new Set(
      [...one, ...other].map((each) => (JSON.parse(each) as { 'host.name': string })['host.name']),
    );
    assert.equal(hosts.size, AGENTS);
  });

  it('lose what a killed one had not decided, which its figures told, and nothing else', async (t) => {
    const undecided = hurtSpans(300);
    await send(url(0), 'traces', undecided.request);
    await waitFor('traces to arrive', async () => (await onMemory()) === undecided.ids.size);
    const lost = await running.get(DIES)?.figure(ON_MEMORY);
    await running.get(DIES)?.kill();
    running.delete(DIES);
    const later = nodes.map(() => hurtSpans(300));
    for (const [node, { request }] of later.entries()) await send(url(node), 'traces', request);
    const laterIds = new Set(later.flatMap(({ ids }) => [...ids]));
    for (const node of nodes) await waitFor('a try to fail', async () => (await node.figure(QUEUED)) === 1);
    gateways.setAddresses([SURVIVES]);
    const spansOf = (ids: ReadonlySet<string>): string[] =>
      spansAt(SURVIVES).flatMap(({ traceId }) => (ids.has(traceId) ? [traceId] : []));
    const found = (ids: ReadonlySet<string>): Set<string> => new Set(spansOf(ids));
    await waitFor('all that was sent after it', () => found(laterIds).size === laterIds.size, 60_000);
    assert.ok(lost !== undefined && lost > 0);
    assert.equal(undecided.ids.size - found(undecided.ids).size, lost);
    for (const node of nodes) assert.equal(await node.figure('otelcol_exporter_send_failed_spans'), 0);
    const again = spansOf(laterIds).length - laterIds.size;
    t.diagnostic(`${lost} of ${undecided.ids.size} undecided traces were lost; ${again} spans came again`);
  });
});
