import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { createExporters } from '../../../receiver/export/exporters.ts';
import { countPoints } from '../../../receiver/export/metric-request.ts';
import type { OtlpProtocol } from '../../../receiver/export/options.ts';
import { exportSettings, type ExportGiven } from '../../support/export-settings.ts';
import { counter } from '../aggregate/descriptors.ts';
import {
  GRPC_KINDS,
  GRPC_STREAM_KINDS,
  HTTP_KINDS,
  startBad,
  startBadStreams,
  startDeaf,
  type BadCollector,
} from './bad-collectors.ts';
import { assertConserved, eventOf, service, spanOf } from '../../support/items.ts';

const SPANS = 7;
const EVENTS = 5;
const POINTS = 11;
/** Makes a request larger than what the sockets of both sides hold. */
const LARGE = 'x'.repeat(60_000);
/** For a stall to be told from slowness; not a verdict: what stalls never ends. */
const timeout = 30_000;
/** The deadline of an attempt that ends by something else; longer than a test may last. */
const NO_DEADLINE_MS = 2 * timeout;

/** Attempts to connect, and connections, that this process has open. */
function openSockets(): number {
  const wanted = ['TCPConnectWrap', 'TCPSocketWrap'];
  return process.getActiveResourcesInfo().filter((name) => wanted.includes(name)).length;
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Exports something of every signal to an endpoint and says what became of it. */
async function exportAll(given: ExportGiven): Promise<{ lost: number[]; kept: number; said: string[] }> {
  const said: string[] = [];
  const exporters = createExporters(
    exportSettings({
      timeoutMs: 150,
      retry: { initialMs: 1, maxMs: 5 },
      queues: { traces: { delayMs: 5, timeoutMs: 200 }, logs: { delayMs: 5, timeoutMs: 200 } },
      ...given,
    }),
    {
      onState: (state, _, cause) => said.push(`${state}: ${cause}`),
      onRejected: (_, items, cause) => said.push(`rejected ${items}: ${cause}`),
    },
  );
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs: 1n });
  for (let i = 0; i < POINTS; i += 1) store.add(counter, service('shop'), { 'server.port': i, LARGE }, 1);
  for (let i = 1; i <= SPANS; i += 1) exporters.addSpan(spanOf(i, { attributes: { LARGE } }));
  for (let i = 1; i <= EVENTS; i += 1) exporters.addEvent(eventOf(i, { attributes: { LARGE } }));
  const [back = []] = await Promise.all([
    exporters.metrics?.export(store.collect(2n), performance.now() + 200),
    exporters.forceFlush(),
  ]);
  const { traces, logs, metrics } = exporters.counters();
  for (const counters of [traces, logs, metrics]) {
    assertConserved(counters);
    assert.deepEqual([counters.inFlight, counters.exported], [0, 0]);
  }
  const kept = countPoints(back);
  assert.equal(kept + metrics.dropped.rejected, POINTS, 'a point is given back or counted as rejected');
  await exporters.shutdown(1000);
  return { lost: [traces, logs].map(({ dropped }) => dropped.retry_expired), kept, said };
}

/** The time in which data may be tried again stands still until `hasBegun`, however slow the machine is. */
function holdClock(t: TestContext, hasBegun: () => boolean): void {
  const now = performance.now.bind(performance);
  const start = now();
  t.mock.method(performance, 'now', () => (hasBegun() ? now() : start));
}

/** A collector that answers nothing in time: all is given up in time, said, and every connection closed. */
async function assertGivenUp(t: TestContext, bad: BadCollector, given: ExportGiven): Promise<void> {
  // As many connections as there are signals.
  holdClock(t, () => bad.connections.opened >= 3);
  const { lost, kept, said } = await exportAll(given);
  assert.deepEqual(lost, [SPANS, EVENTS]);
  assert.equal(kept, POINTS);
  assert.equal(said.length, 1, said.join('\n'));
  assert.match(
    said[0] ?? '',
    /^unreachable: (by the proxy http:\/\/127\.0\.0\.1:\d+ \(https?_proxy\): )?(no complete answer within 150 ms|Deadline exceeded|4 DEADLINE)/,
  );
  bad.release();
  await until(() => bad.connections.open === 0);
}

const at = (protocol: OtlpProtocol, port: number, scheme = 'http'): ExportGiven => ({
  protocol,
  endpoint: `${scheme}://127.0.0.1:${port}`,
});

describe('an attempt ends by its deadline, over http/protobuf, with a collector that', () => {
  for (const [kind, serve] of Object.entries(HTTP_KINDS)) {
    if (kind.includes('without an end')) continue;
    it(kind, { timeout }, async (t) => {
      const bad = await startBad(serve, t);
      await assertGivenUp(t, bad, at('http/protobuf', bad.port));
    });
  }
});

describe('an attempt ends by its deadline, over gRPC, with a collector that', () => {
  for (const [kind, serve] of Object.entries(GRPC_KINDS)) {
    it(kind, { timeout }, async (t) => {
      const bad = await startBad(serve, t);
      await assertGivenUp(t, bad, at('grpc', bad.port));
    });
  }
  for (const [kind, serve] of Object.entries(GRPC_STREAM_KINDS)) {
    if (kind.includes('without an end')) continue;
    it(kind, { timeout }, async (t) => {
      const bad = await startBadStreams(serve, t, kind.includes('no byte') ? 0 : undefined);
      await assertGivenUp(t, bad, at('grpc', bad.port));
    });
  }
});

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  describe(`an attempt ends by its deadline, over ${protocol}`, () => {
    for (const scheme of ['http', 'https'])
      it(`behind a proxy that never connects to ${scheme}`, { timeout }, async (t: TestContext) => {
        const bad = await startBad(HTTP_KINDS['never answers'] ?? assert.fail(), t);
        const variable = `${scheme}_proxy`;
        t.after(() => delete process.env[variable]);
        process.env[variable] = `http://user:word@127.0.0.1:${bad.port}`;
        await assertGivenUp(t, bad, { protocol, endpoint: `${scheme}://collector.example:4317` });
      });

    it('when TLS is never agreed upon', { timeout }, async (t) => {
      const bad = await startBad(HTTP_KINDS['never answers'] ?? assert.fail(), t);
      await assertGivenUp(t, bad, at(protocol, bad.port, 'https'));
    });

    it('when the connection is never made', { timeout }, async (t) => {
      const port = await startDeaf(t);
      const before = openSockets();
      const { lost, kept, said } = await exportAll(at(protocol, port));
      assert.deepEqual([lost, kept], [[SPANS, EVENTS], POINTS]);
      assert.equal(said.length, 1, said.join('\n'));
      await until(() => openSockets() <= before);
    });
  });
}

describe('an answer without an end', () => {
  it('http/protobuf: is read to its bound only, and is no answer', { timeout }, async (t) => {
    const bad = await startBad(HTTP_KINDS['has a body without an end'] ?? assert.fail(), t);
    const { lost, kept, said } = await exportAll({
      ...at('http/protobuf', bad.port),
      timeoutMs: NO_DEADLINE_MS,
    });
    assert.deepEqual([lost, kept], [[SPANS, EVENTS], POINTS]);
    assert.deepEqual(said, ['unreachable: the answer is longer than 65536 bytes: is that a collector?']);
    await until(() => bad.connections.open === 0);
  });

  it('grpc: is read to its bound only, and is counted and said', { timeout }, async (t) => {
    const bad = await startBadStreams(GRPC_STREAM_KINDS['has a message without an end'] ?? assert.fail(), t);
    const { lost, said } = await exportAll({ ...at('grpc', bad.port), timeoutMs: NO_DEADLINE_MS });
    assert.deepEqual(lost, [0, 0]);
    assert.deepEqual(
      said.map((line) => line.replace(/:.*/, '')).sort(),
      [`rejected ${EVENTS}`, `rejected ${POINTS}`, `rejected ${SPANS}`].sort(),
    );
    await until(() => bad.connections.open === 0);
  });
});
