import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPoint, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { counter, workload } from './descriptors.ts';

const startUnixNs = 1_790_000_000_000_000_000n;
const after = (seconds: number): bigint => startUnixNs + BigInt(seconds) * 1_000_000_000n;

function overflowValues(collected: ResourceMetrics[]): number[] {
  return collected
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    .flatMap(({ dataPoints }) => dataPoints as DataPoint<number>[])
    .filter(({ attributes }) => attributes['otel.metric.overflow'] === true)
    .map(({ value }) => value);
}

for (const temporality of ['delta', 'cumulative'] as const) {
  test(`what overflowed elsewhere joins the overflow series of its stream, ${temporality}`, () => {
    const store = createMetricStore({ temporality, startUnixNs, maxPointsPerMetricAndResource: 3 });
    store.add(counter, workload('a'), { 'otel.metric.overflow': true }, 100);
    for (const peer of ['p', 'q', 'r', 's']) store.add(counter, workload('a'), { peer }, 1);
    store.add(counter, workload('a'), { 'otel.metric.overflow': true }, 1_000);
    const collected = store.collect(after(1));
    assert.deepEqual(overflowValues(collected), [1_102]);
    assert.equal(store.seriesCount(), 3);
  });
}

test('an overflow point that could not be exported comes back into the overflow series', () => {
  const store = createMetricStore({ temporality: 'delta', startUnixNs, maxPointsPerMetricAndResource: 2 });
  for (const peer of ['p', 'q']) store.add(counter, workload('a'), { peer }, 1);
  const failed = store.collect(after(1));
  for (const peer of ['p', 'q']) store.add(counter, workload('a'), { peer }, 10);
  store.restore(failed);
  assert.deepEqual(overflowValues(store.collect(after(2))), [11]);
});

test('the spill resource has one overflow series, whoever it came from', () => {
  const spillResource = workload('host');
  const store = createMetricStore({ temporality: 'delta', startUnixNs, maxSeries: 4, spillResource });
  store.add(counter, spillResource, { 'otel.metric.overflow': true }, 5);
  for (const id of ['a', 'b', 'c', 'd']) store.add(counter, workload(id), {}, 1);
  const collected = store.collect(after(1));
  // One workload had room for an overflow series of its own; three did not.
  const host = collected.filter(({ resource }) => resource.attributes['service.name'] === 'host');
  assert.deepEqual(overflowValues(host), [5 + 3]);
  assert.deepEqual(overflowValues(collected).sort(), [1, 5 + 3]);
  assert.ok(store.seriesCount() <= 4);
});
