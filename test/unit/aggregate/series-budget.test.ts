import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPoint } from '@opentelemetry/sdk-metrics';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { createSeriesBudget } from '../../../receiver/aggregate/series-budget.ts';
import { counter, workload } from './descriptors.ts';

test('a stream with a series keeps a slot for its overflow, however full the store is', () => {
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs: 0n, maxSeries: 400 });
  const addAll = (name: string, count: number): void => {
    for (let i = 0; i < count; i += 1) store.add(counter, workload(name), { i }, 1);
  };
  for (let w = 0; w < 5; w += 1) addAll(`early-${w}`, 1);
  addAll('greedy', 1000);
  for (let w = 0; w < 5; w += 1) addAll(`early-${w}`, 1000);
  assert.equal(store.overflowed().spilled, 0, 'each overflow stayed where it happened');
  assert.ok(store.seriesCount() <= 400);
  for (const { resource, scopeMetrics } of store.collect(1n)) {
    const points = scopeMetrics.flatMap((s) => s.metrics.flatMap((m) => m.dataPoints as DataPoint<number>[]));
    const overflow = points.filter((p) => p.attributes['otel.metric.overflow'] === true);
    assert.equal(overflow.length, 1, String(resource.attributes['service.name']));
  }
});

test('slots that are given back can be taken again', () => {
  const budget = createSeriesBudget(12);
  // Half of so small a budget is kept for the spill resource.
  const [share, other, third] = [budget.share(), budget.share(), budget.share()];
  assert.ok(share.takeSeries(true));
  assert.ok(share.takeSeries(false));
  assert.equal(share.takeSeries(false), false, 'its share');
  assert.ok(third.takeSeries(true), 'somebody else’s');
  assert.ok(share.takeOverflow(true, false), 'reserved with the first series');
  assert.ok(other.takeOverflow(false, false));
  assert.equal(other.takeOverflow(false, false), false);
  assert.ok(other.takeOverflow(false, true));
  assert.equal(budget.used(), 6);
  share.release(3, false);
  other.release(2, false);
  third.release(1, true);
  assert.equal(budget.used(), 0);
  assert.ok(share.takeSeries(true));
  assert.ok(share.takeSeries(false));
});

test('one resource has a share, and those that come after many such still have room', () => {
  const budget = createSeriesBudget(50_000);
  /** Everything that one more resource can get, at most `wanted`. */
  const take = (wanted: number): number => {
    const share = budget.share();
    let taken = 0;
    while (taken < wanted && share.takeSeries(taken === 0)) taken += 1;
    return taken;
  };
  const first = take(Infinity);
  assert.ok(first > 18_000 && first < 20_000, String(first));
  for (let hog = 1; hog < 10; hog += 1) assert.ok(take(Infinity) > 0);
  for (let newcomer = 0; newcomer < 40; newcomer += 1) assert.equal(take(30), 30);
  assert.ok(budget.used() < 50_000);
});

test('a workload with too many series takes none from the others', () => {
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs: 0n, maxSeries: 20_000 });
  const metrics = Array.from({ length: 20 }, (_, i) => ({ ...counter, name: `m${i}` }));
  for (const metric of metrics) {
    for (let i = 0; i < 2_100; i += 1) store.add(metric, workload('greedy'), { i }, 1);
  }
  for (let w = 0; w < 200; w += 1) {
    for (const metric of metrics.slice(0, 10)) store.add(metric, workload(`quiet-${w}`), { i: 0 }, 1);
  }
  const overflowing = new Set<unknown>();
  let total = 0;
  for (const { resource, scopeMetrics } of store.collect(1n)) {
    for (const point of scopeMetrics.flatMap((s) =>
      s.metrics.flatMap((m) => m.dataPoints as DataPoint<number>[]),
    )) {
      total += point.value;
      if (point.attributes['otel.metric.overflow'] === true)
        overflowing.add(resource.attributes['service.name']);
    }
  }
  assert.deepEqual([...overflowing], ['greedy']);
  assert.equal(total, 20 * 2_100 + 200 * 10);
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
