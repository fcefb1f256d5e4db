import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Histogram, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { toMilliseconds } from '../../../receiver/aggregate/hr-time.ts';
import { createMetricStore, type MetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { withStarts } from '../../../receiver/aggregate/starts.ts';
import type { StoredPoint } from '../../../receiver/aggregate/series.ts';
import { counter, histogram, level, workload } from './descriptors.ts';

const BEGAN = 1_790_000_000_000;
const at = (seconds: number): bigint => BigInt(BEGAN + seconds * 1000) * 1_000_000n;

type Temporality = 'cumulative' | 'delta';

function storeOf(temporality: Temporality = 'cumulative'): MetricStore {
  return createMetricStore({ temporality, startUnixNs: at(0), monotonicNs: () => 0n });
}

/** Points as seconds since the beginning, and value. */
function told(collected: readonly ResourceMetrics[]): [start: number, end: number, value: number][] {
  return collected
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    .flatMap(({ dataPoints }) => dataPoints as StoredPoint<number | Histogram>[])
    .map(({ startTime, endTime, value }) => [
      (toMilliseconds(startTime) - BEGAN) / 1000,
      (toMilliseconds(endTime) - BEGAN) / 1000,
      typeof value === 'number' ? value : value.count,
    ]);
}

test('a cumulative sum begins with a point at zero, once', async () => {
  const store = storeOf();
  const source = withStarts(store);
  await source.collect(at(10));
  store.add(counter, workload('a'), {}, 40);
  store.addHistogram(histogram, workload('a'), {}, { counts: [1, 0, 2, 0], sum: 5.5 });
  const [starts, values] = await source.collect(at(20));
  assert.equal(starts?.isStart, true);
  assert.deepEqual(told([starts]), [
    [10, 10, 0],
    [10, 10, 0],
  ]);
  assert.ok(values !== undefined && !('isStart' in values));
  assert.deepEqual(told([values]), [
    [10, 20, 40],
    [10, 20, 3],
  ]);
  store.add(counter, workload('a'), {}, 2);
  assert.deepEqual(told(await source.collect(at(30))), [
    [10, 30, 42],
    [10, 30, 3],
  ]);
});

test('its start is told again when it did not arrive, and when the resource comes back', async () => {
  const store = storeOf();
  const source = withStarts(store);
  store.add(counter, workload('a'), {}, 5);
  source.restore(await source.collect(at(10)));
  assert.deepEqual(told(await source.collect(at(20))), [
    [0, 0, 0],
    [0, 20, 5],
  ]);
  source.restore(await source.collect(at(30)));
  assert.deepEqual(told(await source.collect(at(40))), [[0, 40, 5]], 'an earlier point arrived');
  store.retire('a');
  await source.collect(at(50));
  await source.collect(at(60));
  store.add(counter, workload('a'), {}, 7);
  assert.deepEqual(told(await source.collect(at(70))), [
    [60, 60, 0],
    [60, 70, 7],
  ]);
});

test('deltas, states, and intervals that last no millisecond have none', async () => {
  const deltas = storeOf('delta');
  deltas.add(counter, workload('a'), {}, 5);
  deltas.set(level, workload('a'), {}, 3);
  assert.deepEqual(told(await withStarts(deltas).collect(at(10))), [
    [0, 10, 5],
    [0, 10, 3],
  ]);
  const store = storeOf();
  store.add(counter, workload('a'), {}, 5);
  assert.deepEqual(told(await withStarts(store).collect(at(0) + 999_999n)), [[0, 0, 5]]);
});
