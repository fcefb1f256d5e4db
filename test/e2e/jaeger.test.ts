import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startJaeger } from '../backends/run.ts';
import type { Jaeger } from '../backends/run.ts';
import { Cleanup } from '../support/cleanup.ts';
import { startDropper } from './dropper.ts';
import type { DroppedSegment } from './dropper.ts';
import { renderTree } from '../../demo/tree.ts';
import { findTraces, getTrace } from '../backends/jaeger-traces.ts';
import type { StoredSpan } from '../backends/jaeger-traces.ts';
import { sendRequests, services, startServer } from './node-service.ts';
import type { RequestTruth } from './node-service.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { findEvents } from './otlp.ts';
import { checkUntold } from './untold.ts';
import { checkAgainstRegistry } from '../support/registry-check.ts';
import { establishedEnds, unixNs } from '../support/truth.ts';
import type { Truth } from '../support/truth.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads, runTruth } from '../support/workloads.ts';

const RETRANSMIT = 'tcp retransmit';
const TREE = { columns: 100, hasColour: false };
const EXCHANGE = 'tcp exchange';
/** Without a loss only such exchanges have a span: the default of `thresholds.exchange`. */
const SLOW_SECONDS = 0.5;
const NOISE_US = 100e3;
/** Less than the 200 ms after which the kernel sends a lost request again by itself. */
const PATIENCE_MS = 40;

const textOf = (ids: readonly { traceId: string; spanId: string }[]): string[] =>
  ids.map(({ traceId, spanId }) => `${traceId}/${spanId}`).sort();

/** The spans that exchanges are under by which retransmissions are, each once, as `trace/span`. */
const parentsOf = (spans: readonly StoredSpan[]): string[] => {
  const byId = new Map(spans.map((span) => [`${span.traceId}/${span.spanId}`, span]));
  const exchanges = spans
    .filter(({ name }) => name === RETRANSMIT)
    .map(({ traceId, parentSpanId }) => {
      const exchange = byId.get(`${traceId}/${parentSpanId}`);
      assert.match(exchange?.name ?? 'no span', /^tcp exchange \d+$/, 'under an exchange that is there');
      return { traceId, spanId: exchange?.parentSpanId ?? '' };
    });
  return [...new Set(textOf(exchanges))];
};

/** Exchanges are told for what happened to them, and for nothing else. */
function checkExchanges(spans: readonly StoredSpan[]): void {
  const withLoss = new Set(spans.filter(({ name }) => name === RETRANSMIT).map((span) => span.parentSpanId));
  for (const { name, spanId, tags } of spans) {
    if (!name.startsWith(EXCHANGE)) continue;
    const isSlow = Number(tags['wirespan.tcp.exchange.time_to_first_byte'] ?? 0) > SLOW_SECONDS;
    const again = Number(tags['wirespan.tcp.exchange.segments_retransmitted'] ?? 0);
    // A server whose client gave up has an exchange without an answer.
    const isCutOff = tags['wirespan.tcp.close.reason'] !== undefined;
    assert.ok(isSlow || again > 0 || isCutOff || withLoss.has(spanId), JSON.stringify(tags));
  }
}

/** Log events of a request's retransmissions. */
const retransmitsOf = ({ logs }: Output, request: RequestTruth): Output['logs'] =>
  findEvents(logs, 'wirespan.tcp.retransmit').filter(({ traceId }) => traceId === request.traceId);

/** Jaeger moves spans, or warns that it would, when it takes them for another host's: none of ours. */
function checkAsSent(stored: readonly StoredSpan[], output: Output): void {
  const sent = new Map(output.spans.map((span) => [`${span.traceId}/${span.spanId}`, span]));
  const ours = stored.filter(({ name }) => name.startsWith('tcp '));
  assert.ok(ours.length > 0);
  for (const { traceId, spanId, name, startUs, endUs, warnings } of ours) {
    const { startNs = 0n, endNs = 0n } = sent.get(`${traceId}/${spanId}`) ?? {};
    const wanted = [Number(startNs / 1_000n), Number((endNs - startNs) / 1_000n), []];
    assert.deepEqual([startUs, endUs - startUs, warnings], wanted, name);
  }
}

describe('connection spans in Jaeger', () => {
  const cleanup = new Cleanup();
  let truth: Truth;
  let spans: StoredSpan[];
  let output: Output;

  before(async () => {
    await buildWorkloads();
    const jaeger = await startJaeger({ outputDir: join(cleanup.makeFolder(), 'jaeger') });
    cleanup.add(() => jaeger.stop());
    const { finish } = await observe(cleanup, {
      settings: { WIRESPAN_SPANS_TCP_CONNECTION: 'always', WIRESPAN_SPANS_RATE_LIMIT: '0' },
      tracesPort: jaeger.otlpPort,
    });
    truth = await runTruth();
    output = await finish();
    const exported = output.spans.length;
    const programs = ['truth-client', 'truth-server', 'truth-worker'];
    await waitFor('Jaeger to have stored what it was sent', async () => {
      spans = (await Promise.all(programs.map((program) => findTraces(jaeger, program)))).flat();
      return spans.length >= Math.min(exported, establishedEnds(truth).length);
    });
  });
  after(() => cleanup.run());

  it('one for each end of each connection, with its service, times and attributes', () => {
    const differences: string[] = [];
    const left = new Map(
      spans.map((span) => [`${span.tags['network.local.port']}>${span.tags['network.peer.port']}`, span]),
    );
    assert.equal(left.size, spans.length);
    for (const { role, end, connection } of establishedEnds(truth)) {
      const key = `${end.localPort}>${end.peerPort}`;
      const span = left.get(key);
      left.delete(key);
      const about = `${connection.case} ${connection.family} ${role}`;
      if (span === undefined) {
        differences.push(`${about}: no span`);
        continue;
      }
      const startUs = Number(unixNs(truth, connection.connect[0]) / 1000n);
      const endUs = Number(unixNs(truth, end.closed[1]) / 1000n);
      const seen = {
        service: span.service,
        name: span.name,
        reason: span.tags['wirespan.tcp.close.reason'],
        error: span.tags['error.type'] ?? '',
        isError: span.tags['error'] === true,
        role: span.tags['wirespan.tcp.handshake.role'],
        type: span.tags['network.type'],
        pid: span.tags['process.pid'],
        sent: span.tags['wirespan.tcp.connection.bytes_sent'],
        received: span.tags['wirespan.tcp.connection.bytes_received'],
        parent: span.parentSpanId,
        isInTime: span.startUs >= startUs - NOISE_US && span.endUs <= endUs + NOISE_US,
      };
      const expected: typeof seen = {
        service: end.executable,
        name: `tcp connection ${role === 'client' ? end.peerPort : end.localPort}`,
        reason: end.reason,
        error: end.error,
        isError: end.error !== '',
        role,
        type: connection.family,
        pid: end.pid,
        sent: end.sent,
        received: end.received,
        parent: '',
        isInTime: true,
      };
      for (const field of Object.keys(expected) as (keyof typeof seen)[]) {
        if (seen[field] === expected[field]) continue;
        differences.push(
          `${about}: ${field} should be ${String(expected[field])}, is ${String(seen[field])}`,
        );
      }
    }
    assert.deepEqual(differences, []);
    assert.deepEqual([...left.keys()], [], 'spans of connections that were not made');
  });

  it('are where they were sent to, without a warning', () => checkAsSent(spans, output));
});

describe('retransmissions of an instrumented Node service in Jaeger', () => {
  const cleanup = new Cleanup();
  let jaeger: Jaeger;
  let one: RequestTruth;
  let oneDropped: DroppedSegment[];
  let many: RequestTruth[];
  let manyDropped: DroppedSegment[];
  let givenUp: RequestTruth;
  let output: Output;

  before(async () => {
    await buildWorkloads();
    jaeger = await startJaeger({ outputDir: join(cleanup.makeFolder(), 'jaeger') });
    cleanup.add(() => jaeger.stop());
    const dropper = startDropper(cleanup);
    const { collector, read, finish } = await observe(cleanup, { tracesPort: jaeger.otlpPort });
    const otlpPort = collector.grpcPort;
    const { port, stop } = await startServer(cleanup, { procsFile: dropper.procsFile, otlpPort });
    dropper.set({ port, permille: 1000, copies: 1 });
    [one] = (await sendRequests({ port, otlpPort }, 1, 1)) as [RequestTruth];
    oneDropped = dropper.dropped();
    dropper.set({ port, permille: 150, copies: 1 });
    many = await sendRequests({ port, otlpPort }, 200, 200);
    manyDropped = dropper
      .dropped()
      .filter(({ clientPort, seq }) =>
        oneDropped.every((other) => other.clientPort !== clientPort || other.seq !== seq),
      );
    // Its end tells the peer of the loss; what is sent again then is lost too.
    dropper.set({ port, permille: 1000, copies: 2 });
    [givenUp] = (await sendRequests({ port, otlpPort }, 1, 1, PATIENCE_MS)) as [RequestTruth];
    await waitFor(
      'the request that was given up to be sent again twice',
      () => retransmitsOf(read(), givenUp).length >= 2,
    );
    await stop();
    output = await finish();
    const stored = async (): Promise<number> => (await findTraces(jaeger, services.client)).length;
    await waitFor(
      'Jaeger to have stored what it was sent',
      async () => (await stored()) >= output.spans.length,
    );
  });
  after(() => cleanup.run());

  const requestsOf = (dropped: readonly DroppedSegment[], all: readonly RequestTruth[]): RequestTruth[] => {
    const paths = new Set(dropped.map(({ head }) => /^GET (\/r\/\d+) HTTP/.exec(head)?.[1]));
    return all.filter(({ id }) => paths.has(id));
  };

  /** Each lost one has a retransmission below it, unless no program saw it, and nobody else has. */
  const checkParents = (spans: readonly StoredSpan[], lost: readonly RequestTruth[]): void => {
    const told = new Set(parentsOf(spans));
    const untold = lost.filter((request) => !told.has(textOf([request])[0] ?? ''));
    checkUntold(untold, output, services.client);
    assert.deepEqual([...told], textOf(lost.filter((request) => !untold.includes(request))));
  };

  it("is in its request's trace, under its request's client span, with its service", async (t) => {
    assert.equal(oneDropped.length, 1);
    const trace = await getTrace(jaeger, one.traceId);
    for (const line of renderTree(trace, TREE).split('\n')) t.diagnostic(line);
    const client = trace.find(({ spanId }) => spanId === one.spanId);
    assert.equal(client?.service, services.client);
    const retransmits = trace.filter(({ name }) => name.startsWith(RETRANSMIT));
    assert.equal(retransmits.length, 1, JSON.stringify(trace, undefined, 1));
    const [span] = retransmits as [StoredSpan];
    assert.deepEqual(parentsOf(trace), textOf([one]));
    assert.equal(span.service, services.client);
    assert.equal(span.tags['network.local.port'], oneDropped[0]?.clientPort);
    assert.ok(span.startUs >= one.startMs * 1000 - NOISE_US && span.endUs <= one.endMs * 1000 + NOISE_US);
    assert.equal(span.resource['host.id'] !== undefined || span.resource['host.name'] !== undefined, true);
    assert.deepEqual(span.warnings, []);
  });

  it('is in an exchange that lies within the span of its request, with its times', async () => {
    const trace = await getTrace(jaeger, one.traceId);
    const client = trace.find(({ spanId }) => spanId === one.spanId);
    const [exchange, ...rest] = trace.filter(({ name }) => name.startsWith(EXCHANGE));
    assert.ok(client && exchange && rest.length === 0);
    assert.ok(exchange.startUs >= client.startUs && exchange.endUs <= client.endUs);
    const answer = Number(exchange.tags['wirespan.tcp.exchange.time_to_last_byte']);
    assert.ok(answer >= Number(exchange.tags['wirespan.tcp.exchange.time_to_first_byte']));
    assert.ok(answer * 1e6 <= client.endUs - client.startUs + 2e3, 'no longer than its request');
    assert.equal(exchange.tags['wirespan.tcp.exchange.segments_retransmitted'], 1);
    assert.ok(Number(exchange.tags['wirespan.tcp.exchange.bytes_received']) > 0);
    assert.deepEqual(exchange.warnings, []);
  });

  it('is a log event with the same trace and span as well', () => {
    assert.deepEqual([...new Set(textOf(retransmitsOf(output, one)))], textOf([one]));
  });

  it('of 200 concurrent requests is on the traces of exactly those whose segment was lost', async (t) => {
    assert.equal(many.length, 200);
    assert.ok(many.every(({ status }) => status === 200));
    const lost = requestsOf(manyDropped, many);
    t.diagnostic(`${manyDropped.length} segments of 200 requests lost`);
    assert.equal(lost.length, manyDropped.length, 'each lost segment is one request');
    assert.ok(lost.length > 5, 'some were lost');
    const traces = (await Promise.all(many.map(({ traceId }) => getTrace(jaeger, traceId)))).flat();
    checkParents(traces, lost);
  });

  it('is exported as the registry says', () => {
    assert.deepEqual(checkAgainstRegistry(output.lines), []);
  });

  it('is nowhere else', async () => {
    const everywhere = [
      ...(await findTraces(jaeger, services.client)),
      ...(await findTraces(jaeger, services.server)),
    ];
    checkParents(everywhere, [one, ...requestsOf(manyDropped, many), givenUp]);
    checkExchanges(everywhere);
    checkAsSent(everywhere, output);
  });

  it('after a request was given up is under its span, and not moved', async (t) => {
    assert.equal(givenUp.status, 0);
    const trace = await getTrace(jaeger, givenUp.traceId);
    for (const line of renderTree(trace, TREE).split('\n')) t.diagnostic(line);
    const parent = trace.find(({ spanId }) => spanId === givenUp.spanId);
    const [span, ...rest] = trace.filter(({ name }) => name.startsWith(RETRANSMIT));
    assert.ok(parent !== undefined && span !== undefined && rest.length === 0);
    assert.deepEqual(parentsOf(trace), textOf([givenUp]));
    assert.ok(span.endUs > parent.endUs, 'it was sent again when the span was over');
    checkAsSent(trace, output);
  });
});
