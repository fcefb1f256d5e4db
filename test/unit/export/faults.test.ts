import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { status } from '@grpc/grpc-js';
import type { Exporters } from '../../../receiver/export/exporters.ts';
import { createExporters } from '../../../receiver/export/exporters.ts';
import { exportSettings } from '../../support/export-settings.ts';
import { startOtlpStub } from '../../support/otlp-stub.ts';
import type { StubReply } from '../../support/otlp-stub.ts';
import { holdPort } from '../../support/held-port.ts';
import { assertConserved, eventOf, spanOf } from '../../support/items.ts';
import { addSpans, watch } from './watched.ts';

function assertAllConserved(exporters: Exporters): void {
  for (const counters of Object.values(exporters.counters())) assertConserved(counters);
}

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  test(`${protocol}: absent at the start, then there: everything arrives once, one message each way`, async () => {
    const { port, release } = await holdPort();
    const { exporters, states } = watch({ protocol, endpoint: `http://127.0.0.1:${port}` });
    addSpans(exporters, 1000);
    exporters.addEvent(eventOf(1));
    while (states.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assertAllConserved(exporters);
    assert.equal(exporters.counters().traces.inFlight, 1000);
    release();
    const stub = await startOtlpStub({ protocol, port });
    await exporters.forceFlush();
    assert.deepEqual(states, ['unreachable', 'reachable']);
    assert.deepEqual(new Set(stub.spans().map((s) => s.spanId)).size, 1000);
    assert.equal(stub.spans().length, 1000);
    assert.equal(stub.logRecords().length, 1);
    assertAllConserved(exporters);
    await exporters.shutdown(1000);
    await stub.stop();
  });

  test(`${protocol}: a full queue drops what comes on top, counted to the last one`, async () => {
    const { port } = await holdPort();
    const { exporters } = watch({
      protocol,
      endpoint: `http://127.0.0.1:${port}`,
      queues: { traces: { queueSize: 100, batchSize: 10 } },
    });
    for (let i = 0; i < 50; i += 1) {
      addSpans(exporters, 10);
      assertConserved(exporters.counters().traces);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { accepted, dropped, inFlight } = exporters.counters().traces;
    assert.equal(accepted, 500);
    // 100 wait, 10 are being sent.
    assert.equal(inFlight, 110);
    assert.equal(dropped.queue_full, 390);
    await exporters.shutdown(20);
    assertConserved(exporters.counters().traces);
    assert.deepEqual(
      [exporters.counters().traces.inFlight, exporters.counters().traces.dropped.already_shutdown],
      [0, 110],
    );
    assert.equal(exporters.addSpan(spanOf(1)), false);
    assertConserved(exporters.counters().traces);
  });

  test(`${protocol}: the shutdown ends by its deadline against a collector that never answers`, async () => {
    const stub = await startOtlpStub({ protocol, reply: () => ({ kind: 'silence' }) });
    const { exporters } = watch({ protocol, endpoint: stub.url });
    addSpans(exporters, 600);
    await stub.until(() => stub.requests.length > 0);
    // Ends at all: the request alone would last 10 s, its retries longer than the test may.
    await exporters.shutdown(50);
    const { dropped, inFlight, exported } = exporters.counters().traces;
    assert.deepEqual([dropped.already_shutdown, inFlight, exported], [600, 0, 0]);
    await stub.stop();
  });

  test(`${protocol}: the shutdown sends what waits, when the collector takes it`, async () => {
    const stub = await startOtlpStub({ protocol });
    const { exporters } = watch({ protocol, endpoint: stub.url, queues: { traces: { delayMs: 1e6 } } });
    addSpans(exporters, 1300);
    await exporters.shutdown(10_000);
    assert.equal(stub.spans().length, 1300);
    assert.equal(exporters.counters().traces.exported, 1300);
    assertAllConserved(exporters);
    await stub.stop();
  });

  test(`${protocol}: a slow collector slows nobody; a full batch leaves before its time`, async () => {
    let answer: (() => void) | undefined;
    const stub = await startOtlpStub({
      protocol,
      reply: () => new Promise<StubReply>((resolve) => (answer = () => resolve({ kind: 'ok' }))),
    });
    const { exporters } = watch({
      protocol,
      endpoint: stub.url,
      queues: { traces: { batchSize: 4, delayMs: 1e6 } },
    });
    addSpans(exporters, 11);
    await stub.until(() => answer !== undefined);
    assert.equal(stub.requests.length, 1, 'one request at a time');
    assert.equal(exporters.queues().traces.size, 7);
    answer?.();
    await stub.until(() => stub.requests.length === 2);
    answer?.();
    const flushed = exporters.forceFlush();
    await stub.until(() => stub.requests.length === 3);
    answer?.();
    await flushed;
    assert.deepEqual(stub.spans().length, 11);
    assertAllConserved(exporters);
    await exporters.shutdown(1000);
    await stub.stop();
  });

  test(`${protocol}: a partial success is counted, not sent again`, async () => {
    const stub = await startOtlpStub({
      protocol,
      reply: () => ({ kind: 'ok', rejected: 3, message: 'too old' }),
    });
    const { exporters, rejections, states } = watch({ protocol, endpoint: stub.url });
    for (let i = 1; i <= 10; i += 1) exporters.addEvent(eventOf(i));
    await exporters.forceFlush();
    const { exported, dropped } = exporters.counters().logs;
    assert.deepEqual([exported, dropped.rejected, stub.requests.length], [7, 3, 1]);
    assert.deepEqual(rejections, [['logs', 3, 'too old']]);
    addSpans(exporters, 10);
    await exporters.forceFlush();
    const { traces } = exporters.counters();
    // The SDK's exporter of spans over gRPC keeps it to itself: docs/decisions/0007.
    const isTold = protocol === 'http/protobuf';
    assert.deepEqual([traces.exported, traces.dropped.rejected], isTold ? [7, 3] : [10, 0]);
    assert.equal(stub.requests.length, 2);
    assert.equal(rejections.length, isTold ? 2 : 1);
    assert.deepEqual(states, []);
    assertAllConserved(exporters);
    await exporters.shutdown(1000);
    await stub.stop();
  });
}

/** A clock that stands still until it is set forward: how many attempts fit into a time is no machine's affair. */
function stopClock(t: TestContext): { forward(ms: number): void } {
  let nowMs = performance.now();
  t.mock.method(performance, 'now', () => nowMs);
  return { forward: (ms) => void (nowMs += ms) };
}

const ATTEMPTS = 4;

test('a batch that is not taken for too long is given up and counted', async (t) => {
  const clock = stopClock(t);
  const stub = await startOtlpStub({
    protocol: 'grpc',
    reply(_, nth) {
      if (nth === ATTEMPTS - 1) clock.forward(31);
      return { kind: 'error', code: status.UNAVAILABLE };
    },
  });
  const { exporters, states } = watch({
    endpoint: stub.url,
    retry: { initialMs: 1, maxMs: 5 },
    queues: { traces: { timeoutMs: 30 } },
  });
  addSpans(exporters, 5);
  await exporters.forceFlush();
  assert.equal(exporters.counters().traces.dropped.retry_expired, 5);
  assert.equal(stub.requests.length, ATTEMPTS);
  assert.deepEqual(states, ['unreachable']);
  assertAllConserved(exporters);
  await exporters.shutdown(1000);
  await stub.stop();
});

test('signals that share a collector are one message, wherever they fail first', async () => {
  const { port } = await holdPort();
  const { exporters, states } = watch({ endpoint: `http://127.0.0.1:${port}` });
  addSpans(exporters, 1);
  exporters.addEvent(eventOf(1));
  void exporters.metrics?.export([], performance.now());
  while (states.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(states, ['unreachable']);
  await exporters.shutdown(10);
});

test('a disabled signal takes nothing', async () => {
  const exporters = createExporters(exportSettings({ disabled: ['traces', 'metrics'] }));
  assert.equal(exporters.addSpan(spanOf(1)), false);
  assert.equal(exporters.metrics, undefined);
  assert.equal(exporters.counters().traces.accepted, 0);
  await exporters.shutdown(10);
});
