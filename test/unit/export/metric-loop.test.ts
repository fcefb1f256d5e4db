import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import type { MetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import type { Exporters } from '../../../receiver/export/exporters.ts';
import { createExporters } from '../../../receiver/export/exporters.ts';
import type { MetricLoop } from '../../../receiver/export/metric-loop.ts';
import { createMetricLoop } from '../../../receiver/export/metric-loop.ts';
import { counter, histogram } from '../aggregate/descriptors.ts';
import { exportSettings } from '../../support/export-settings.ts';
import type { DecodedMetric, Placed } from '../../support/otlp-decode.ts';
import { startOtlpStub } from '../../support/otlp-stub.ts';
import type { OtlpStub, StubReply } from '../../support/otlp-stub.ts';
import { holdPort } from '../../support/held-port.ts';
import { assertConserved, service } from '../../support/items.ts';

type Temporality = 'cumulative' | 'delta';

interface Rig {
  store: MetricStore;
  exporters: Exporters;
  loop: MetricLoop;
}

function rig(temporality: Temporality, endpoint: string, intervalMs = 60, timeoutMs?: number): Rig {
  const startUnixNs = BigInt(Date.now()) * 1_000_000n;
  const store = createMetricStore({ temporality, startUnixNs });
  const exporters = createExporters(exportSettings({ endpoint, retry: { initialMs: 5, maxMs: 20 } }));
  assert.ok(exporters.metrics !== undefined);
  let nowUnixNs = startUnixNs;
  const loop = createMetricLoop({
    sources: [store],
    exporter: exporters.metrics,
    intervalMs,
    ...(timeoutMs !== undefined && { timeoutMs }),
    now: () => (nowUnixNs += 1_000_000_000n),
  });
  return { store, exporters, loop };
}

/** What a backend sums up: deltas are added, of a cumulative stream (identity and start) the last counts. */
function totalOf(metrics: Placed<DecodedMetric>[], name: string): number {
  const streams = new Map<string, number>();
  for (const metric of metrics.filter((m) => m.name === name)) {
    const data = metric.sum ?? metric.histogram;
    const isDelta = data?.aggregationTemporality === 1;
    for (const point of data?.dataPoints ?? []) {
      const start = isDelta ? '' : String(point.startTimeUnixNano);
      const key = JSON.stringify([metric.resource, point.attributes, start]);
      const value = Number(point.asInt ?? point.count);
      streams.set(key, isDelta ? (streams.get(key) ?? 0) + value : value);
    }
  }
  return [...streams.values()].reduce((sum, value) => sum + value, 0);
}

for (const temporality of ['cumulative', 'delta'] as const) {
  test(`${temporality}: absent, back, gone and back again: the sums are right, the short-lived included`, async () => {
    const { port, release } = await holdPort();
    const { store, exporters, loop } = rig(temporality, `http://127.0.0.1:${port}`);
    let added = 0;
    let lived = 0;
    const work = (rounds: number): void => {
      for (let i = 0; i < rounds; i += 1) {
        store.add(counter, service('shop'), { 'server.port': i % 7 }, 3);
        const brief = `curl-${(lived += 1)}`;
        store.add(counter, service(brief), {}, 1);
        store.addHistogram(histogram, service('shop'), {}, { counts: [0, 1, 0, 0], sum: 0.5 });
        store.retire(brief);
        added += 4;
      }
    };
    const stubs: OtlpStub[] = [];
    for (const isUp of [false, true, false, true]) {
      if (isUp) release();
      const stub = isUp ? await startOtlpStub({ protocol: 'grpc', port }) : undefined;
      if (stub !== undefined) stubs.push(stub);
      work(23);
      await loop.forceFlush();
      work(23);
      if (stub !== undefined) {
        // The channel reconnects in its own time.
        while (totalOf(stub.metrics(), 'test.things') === 0) {
          work(1);
          await loop.forceFlush();
        }
        await stub.stop();
      } else await loop.forceFlush();
      assertConserved(exporters.counters().metrics);
    }
    const last = await startOtlpStub({ protocol: 'grpc', port });
    stubs.push(last);
    work(1);
    await loop.forceFlush();
    work(1);
    while (last.metrics().length === 0) {
      // A delta that was delivered is gone, so there must be something to send.
      work(1);
      await loop.forceFlush();
    }
    await exporters.shutdown(1000, (untilMs) => loop.shutdown(untilMs));
    const metrics = stubs.flatMap((stub) => stub.metrics());
    assert.equal(totalOf(metrics, 'test.things'), added);
    assert.equal(totalOf(metrics, 'test.duration'), added / 4);
    const { exported, dropped, inFlight } = exporters.counters().metrics;
    assert.deepEqual([inFlight, Object.values(dropped).every((n) => n === 0)], [0, true]);
    assert.ok(exported > 0);
    assertConserved(exporters.counters().metrics);
    await last.stop();
  });
}

test('a collection too large for one request is cut; of a half-failed one only the failed half comes back', async () => {
  let failures = 0;
  const stub = await startOtlpStub({
    protocol: 'grpc',
    reply: (_, nth): StubReply => {
      if (nth !== 1) return { kind: 'ok' };
      failures += 1;
      return { kind: 'error', code: status.UNAVAILABLE };
    },
  });
  const { store, exporters } = rig('delta', stub.url);
  for (let w = 0; w < 3; w += 1) {
    for (let i = 0; i < 1900; i += 1) store.add(counter, service(`w${w}`), { i }, 1);
  }
  const collected = store.collect(BigInt(Date.now()) * 1_000_000n);
  // No time for a second attempt: the first failure is final.
  const failed = (await exporters.metrics?.export(collected, performance.now())) ?? [];
  assert.equal(failures, 1);
  assert.equal(totalOf(stub.metrics(), 'test.things'), 1900);
  assertConserved(exporters.counters().metrics);
  store.restore(failed);
  const again = await exporters.metrics?.export(store.collect(BigInt(Date.now()) * 1_000_000n), Infinity);
  assert.deepEqual(again, []);
  assert.equal(totalOf(stub.metrics(), 'test.things'), 5700);
  for (const { bytes } of stub.requests) assert.ok(bytes.length <= 3_000_000);
  assert.equal(exporters.counters().metrics.exported, 5700);
  assertConserved(exporters.counters().metrics);
  await exporters.shutdown(1000);
  await stub.stop();
});

test('what the collector refuses for good is counted and does not come back', async () => {
  const stub = await startOtlpStub({
    protocol: 'grpc',
    reply: (_, nth) =>
      nth === 0
        ? { kind: 'error', code: status.UNAUTHENTICATED }
        : { kind: 'ok', rejected: 1, message: 'no' },
  });
  const { store, exporters, loop } = rig('delta', stub.url);
  store.add(counter, service('a'), {}, 1);
  store.add(counter, service('b'), {}, 1);
  await loop.forceFlush();
  assert.equal(exporters.counters().metrics.dropped.rejected, 2);
  store.add(counter, service('a'), {}, 5);
  store.add(counter, service('b'), {}, 5);
  await loop.forceFlush();
  const { dropped, exported } = exporters.counters().metrics;
  assert.deepEqual([dropped.rejected, exported], [3, 1]);
  assert.equal(totalOf(stub.metrics(), 'test.things'), 10);
  assertConserved(exporters.counters().metrics);
  await exporters.shutdown(1000);
  await stub.stop();
});

test('the shutdown ends by its deadline with an export under way, and counts what is left', async () => {
  const stub = await startOtlpStub({ protocol: 'grpc', reply: () => ({ kind: 'silence' }) });
  const { store, exporters, loop } = rig('delta', stub.url, 1e6);
  store.add(counter, service('a'), {}, 1);
  void loop.forceFlush();
  await stub.until(() => stub.requests.length > 0);
  store.add(counter, service('b'), {}, 1);
  await exporters.shutdown(60, (untilMs) => loop.shutdown(untilMs));
  const { dropped, inFlight, accepted } = exporters.counters().metrics;
  assert.deepEqual([dropped.already_shutdown, inFlight, accepted], [2, 0, 2]);
  await stub.stop();
});

test('the timer collects; before each collection the kernel is read; an error there is told', async () => {
  const stub = await startOtlpStub({ protocol: 'http/protobuf' });
  const store = createMetricStore({ temporality: 'delta', startUnixNs: 1n });
  const exporters = createExporters(exportSettings({ protocol: 'http/protobuf', endpoint: stub.url }));
  assert.ok(exporters.metrics !== undefined);
  const errors: unknown[] = [];
  let reads = 0;
  const loop = createMetricLoop({
    sources: [store],
    exporter: exporters.metrics,
    intervalMs: 5,
    now: () => 2n,
    beforeCollect: () => {
      reads += 1;
      store.add(counter, service('a'), {}, 1);
      if (reads === 2) throw new Error('the map is gone');
    },
    onError: (error) => errors.push(error),
  });
  loop.start();
  await stub.until(() => reads >= 4 && stub.requests.length >= 3);
  await exporters.shutdown(1000, (untilMs) => loop.shutdown(untilMs));
  assert.equal(errors.length, 1);
  assert.equal(totalOf(stub.metrics(), 'test.things'), reads);
  await stub.stop();
});

test('an export that meets its timeout ends long before the interval, and what it had goes with the next', async () => {
  const { port, release } = await holdPort();
  const { store, exporters, loop } = rig('delta', `http://127.0.0.1:${port}`, 600_000, 20);
  store.add(counter, service('a'), {}, 3);
  await loop.forceFlush();
  release();
  const stub = await startOtlpStub({ protocol: 'grpc', port });
  while (stub.metrics().length === 0) await loop.forceFlush();
  assert.equal(totalOf(stub.metrics(), 'test.things'), 3);
  await exporters.shutdown(1000, (untilMs) => loop.shutdown(untilMs));
  await stub.stop();
});
