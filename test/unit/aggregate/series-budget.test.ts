import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPoint } from '@opentelemetry/sdk-metrics';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { createSeriesBudget } from '../../../receiver/aggregate/series-budget.ts';
import { counter, workload } from './descriptors.ts';

test('a stream with a series keeps a slot for its overflow, however full the store is', () => {
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs: 0n, maxSeries: 40 });
  for (let w = 0; w < 5; w += 1) store.add(counter, workload(`early-${w}`), { i: 0 }, 1);
  for (let i = 0; i < 100; i += 1) store.add(counter, workload('greedy'), { i }, 1);
  for (let w = 0; w < 5; w += 1) store.add(counter, workload(`early-${w}`), { i: 1 }, 1);
  assert.equal(store.overflowed().spilled, 0, 'each overflow stayed where it happened');
  assert.ok(store.seriesCount() <= 40);
  for (const { resource, scopeMetrics } of store.collect(1n)) {
    const points = scopeMetrics.flatMap((s) => s.metrics.flatMap((m) => m.dataPoints as DataPoint<number>[]));
    const overflow = points.filter((p) => p.attributes['otel.metric.overflow'] === true);
    assert.equal(overflow.length, 1, String(resource.attributes['service.name']));
  }
});

test('slots that are given back can be taken again', () => {
  const budget = createSeriesBudget(8);
  // Half of so small a budget is kept for the spill resource.
  assert.ok(budget.takeSeries(true));
  assert.ok(budget.takeSeries(false));
  assert.ok(budget.takeSeries(false));
  assert.equal(budget.takeSeries(false), false);
  assert.ok(budget.takeOverflow(true, false), 'reserved with the first series');
  assert.equal(budget.takeOverflow(false, false), false);
  assert.ok(budget.takeOverflow(false, true));
  assert.equal(budget.used(), 5);
  budget.release(5, false);
  assert.equal(budget.used(), 0);
  assert.ok(budget.takeSeries(true));
  budget.release(1, true);
  for (let i = 0; i < 4; i += 1) assert.ok(budget.takeSeries(false));
});

test('a frozen attribute set finds its series again after it was freed', () => {
  const store = createMetricStore({ temporality: 'delta', startUnixNs: 0n });
  const attributes = Object.freeze({ role: 'client' });
  const values: unknown[] = [];
  store.add(counter, workload('other'), attributes, 1);
  for (let i = 1; i <= 6; i += 1) {
    if (i % 3 === 1) {
      // A second series keeps the stream alive while the first one goes.
      store.add(counter, workload('a'), attributes, 5);
    }
    store.add(counter, workload('a'), { role: 'server' }, 1);
    const points = store
      .collect(BigInt(i))
      .filter((r) => r.resource.attributes['service.name'] === 'a')
      .flatMap((r) =>
        r.scopeMetrics.flatMap((s) => s.metrics.flatMap((m) => m.dataPoints as DataPoint<number>[])),
      );
    values.push(...points.filter((p) => p.attributes['role'] === 'client').map((p) => p.value));
  }
  assert.deepEqual(values, [5, 5]);
});
