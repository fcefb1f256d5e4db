/** A collector that wants to be left alone for a while (Retry-After, RetryInfo) is, and nothing is given up for it too soon. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { status } from '@grpc/grpc-js';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { countPoints } from '../../../receiver/export/metric-request.ts';
import type { OtlpProtocol } from '../../../receiver/export/options.ts';
import { startOtlpStub, type OtlpStub } from '../../support/otlp-stub.ts';
import { counter, workload } from '../aggregate/descriptors.ts';
import { assertConserved, eventOf } from '../../support/items.ts';
import { addSpans, quickRetry, watch } from './watched.ts';

const PAUSE_MS = 1000;
/** A timer of Node may end a part of a millisecond before its time. */
const TIMER_MS = 2;

/** A collector that asks its first visitors for a pause, and when they came (`performance.now()`). */
async function startBusy(
  protocol: OtlpProtocol,
  retryAfterMs: number,
  refusals = 1,
): Promise<{ stub: OtlpStub; times: number[] }> {
  const times: number[] = [];
  const code = protocol === 'grpc' ? status.UNAVAILABLE : 503;
  const stub = await startOtlpStub({
    protocol,
    reply(_, nth) {
      times.push(performance.now());
      return nth < refusals
        ? { kind: 'error', code, retryAfterMs, details: 'queue is full' }
        : { kind: 'ok' };
    },
  });
  return { stub, times };
}

function gapOf(times: readonly number[], nth = 0): number {
  return (times[nth + 1] ?? NaN) - (times[nth] ?? NaN);
}

/** What Node would write to standard error by itself. */
function watchWarnings(t: TestContext): string[] {
  const warnings: string[] = [];
  const note = (warning: Error): void => void warnings.push(String(warning));
  process.on('warning', note);
  t.after(() => process.off('warning', note));
  return warnings;
}

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  test(`${protocol}: the next attempt comes after the pause, and its reason is told`, async (t) => {
    const warnings = watchWarnings(t);
    const { stub, times } = await startBusy(protocol, PAUSE_MS);
    const { exporters, causes } = watch({ protocol, endpoint: stub.url });
    addSpans(exporters, 3);
    await exporters.forceFlush();
    assert.ok(gapOf(times) >= PAUSE_MS - TIMER_MS, `${gapOf(times)} ms`);
    assert.equal(times.length, 2);
    assert.match(causes.join(), /queue is full$/);
    assert.equal(exporters.counters().traces.exported, 3);
    assert.deepEqual(warnings, []);
    await exporters.shutdown(1000);
    await stub.stop();
  });

  test(`${protocol}: no pause is no burst`, async (t) => {
    const warnings = watchWarnings(t);
    const { stub, times } = await startBusy(protocol, 0, 4);
    const { exporters } = watch({ protocol, endpoint: stub.url, retry: { initialMs: 100, maxMs: 100 } });
    addSpans(exporters, 1);
    await exporters.forceFlush();
    assert.equal(times.length, 5);
    for (let nth = 0; nth < 4; nth += 1) assert.ok(gapOf(times, nth) >= 80 - TIMER_MS, String(times));
    assert.deepEqual(warnings, []);
    await exporters.shutdown(1000);
    await stub.stop();
  });

  test(`${protocol}: a batch that has less time than the pause ends with its time, the next ones wait on`, async () => {
    const { stub, times } = await startBusy(protocol, PAUSE_MS);
    const queue = { batchSize: 1, delayMs: 1e6, timeoutMs: 400 };
    const { exporters } = watch({ protocol, endpoint: stub.url, queues: { logs: queue } });
    for (let i = 1; i <= 6; i += 1) exporters.addEvent(eventOf(i));
    await exporters.forceFlush();
    assert.ok(gapOf(times) >= PAUSE_MS - TIMER_MS, `${gapOf(times)} ms`);
    const { logs } = exporters.counters();
    assertConserved(logs);
    // The first three had 400 ms each, one after the other; on a slow machine it may be less of them.
    const expired = logs.dropped.retry_expired;
    assert.ok(expired >= 1 && expired <= 3, `${expired} given up`);
    assert.equal(logs.exported, 6 - expired);
    assert.equal(times.length, 7 - expired, 'nobody came in vain');
    await exporters.shutdown(1000);
    await stub.stop();
  });

  test(`${protocol}: metrics wait too, and come back whole meanwhile`, async () => {
    const { stub, times } = await startBusy(protocol, PAUSE_MS);
    const { exporters } = watch({ protocol, endpoint: stub.url, retry: quickRetry });
    const store = createMetricStore({ temporality: 'cumulative', startUnixNs: 0n });
    for (let i = 0; i < 11; i += 1) store.add(counter, workload('a'), { i }, 1);
    let tries = 0;
    for (let failed = store.collect(1n); countPoints(failed) > 0; tries += 1)
      failed = [...((await exporters.metrics?.export(failed, performance.now() + 50)) ?? [])];
    assert.ok(gapOf(times) >= PAUSE_MS - TIMER_MS, `${gapOf(times)} ms`);
    assert.ok(tries > 1);
    assert.equal(times.length, 2);
    assert.equal(exporters.counters().metrics.exported, 11);
    await exporters.shutdown(1000);
    await stub.stop();
  });

  test(`${protocol}: the end of the agent is no time for a pause: all is tried once more`, async () => {
    const { stub, times } = await startBusy(protocol, 1e9, 2);
    const { exporters, causes } = watch({ protocol, endpoint: stub.url });
    addSpans(exporters, 4);
    const store = createMetricStore({ temporality: 'cumulative', startUnixNs: 0n });
    store.add(counter, workload('a'), {}, 1);
    while (causes.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await exporters.metrics?.export(store.collect(1n), performance.now());
    await exporters.shutdown(60_000, (untilMs) =>
      exporters.metrics === undefined
        ? Promise.resolve()
        : exporters.metrics.exportLast(store.collect(1n), untilMs),
    );
    assert.equal(times.length, 4);
    assert.deepEqual([exporters.counters().traces.exported, exporters.counters().metrics.exported], [4, 1]);
    await stub.stop();
  });
}
