import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Exemplar } from '../../../receiver/aggregate/exemplar.ts';
import { ExemplarStore, withExemplars } from '../../../receiver/aggregate/exemplars.ts';
import { createMetricStore, type MetricStore } from '../../../receiver/aggregate/metric-store.ts';
import type { StoredPoint } from '../../../receiver/aggregate/series.ts';
import { counter, histogram, workload } from './descriptors.ts';

const ns = 1_000_000_000n;
const app = workload('app');

function exemplar(value: number, second = 5): Exemplar {
  return { time: [second, 0], value, traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
}

function storeOf(temporality: 'cumulative' | 'delta'): MetricStore {
  return createMetricStore({ temporality, startUnixNs: 0n });
}

/** The exemplars' values by the value of attribute `i` of the point, or 0. */
function valuesOf(collected: readonly ResourceMetrics[]): Record<string, number[]> {
  const points = collected
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap(({ metrics }) => metrics)
    .flatMap(({ dataPoints }) => dataPoints as StoredPoint<number>[]);
  return Object.fromEntries(
    points.map(({ attributes, exemplars = [] }) => [
      String(attributes['i'] ?? 0),
      exemplars.map(({ value }) => value),
    ]),
  );
}

describe('exemplars', () => {
  it('go once to the series that has their attributes, whatever the order of keys', async () => {
    for (const temporality of ['cumulative', 'delta'] as const) {
      const store = storeOf(temporality);
      const exemplars = new ExemplarStore();
      const source = withExemplars(store, exemplars);
      store.add(counter, app, { i: 1, j: 2 }, 3);
      store.add(counter, app, { i: 2, j: 2 }, 3);
      exemplars.offer(counter, app, { j: 2, i: 1 }, exemplar(7));
      assert.deepEqual(valuesOf(await source.collect(10n * ns)), { 1: [7], 2: [] }, temporality);
      store.add(counter, app, { i: 1, j: 2 }, 3);
      assert.deepEqual(valuesOf(await source.collect(20n * ns))[1], []);
      assert.deepEqual(exemplars.counters, { waiting: 0, leftOut: 0, unmatched: 0 });
    }
  });

  it('are at most four of a counter, each measurement with the same chance', () => {
    const kept = new Map<number, number>();
    for (let round = 0; round < 500; round += 1) {
      const store = storeOf('delta');
      const exemplars = new ExemplarStore();
      store.add(counter, app, {}, 20);
      for (let value = 0; value < 20; value += 1) exemplars.offer(counter, app, {}, exemplar(value));
      const collected = store.collect(10n * ns);
      exemplars.attach(collected);
      const values = valuesOf(collected)[0] ?? [];
      assert.equal(new Set(values).size, 4);
      for (const value of values) kept.set(value, (kept.get(value) ?? 0) + 1);
    }
    assert.equal(kept.size, 20);
  });

  it('are the last of each bucket of a histogram', () => {
    const store = storeOf('delta');
    const exemplars = new ExemplarStore();
    store.addHistogram(histogram, app, {}, { counts: [2, 0, 1, 1], sum: 9 });
    for (const value of [0.1, 0.25, 4, 5]) exemplars.offer(histogram, app, {}, exemplar(value));
    const collected = store.collect(10n * ns);
    exemplars.attach(collected);
    assert.deepEqual(valuesOf(collected)[0], [0.25, 4, 5]);
  });

  it('of a delta lie in its interval, unless its sum was read late', () => {
    const store = storeOf('delta');
    const exemplars = new ExemplarStore();
    const collect = (second: bigint): number[] | undefined => {
      const collected = store.collect(second * ns);
      exemplars.attach(collected);
      return valuesOf(collected)[0];
    };
    store.add(counter, app, {}, 1);
    collect(10n);
    exemplars.offer(counter, app, {}, exemplar(1, 9));
    store.add(counter, app, {}, 1);
    assert.deepEqual(collect(20n), []);
    exemplars.offer(counter, app, {}, exemplar(2, 19));
    assert.equal(collect(20n), undefined);
    store.add(counter, app, {}, 1);
    assert.deepEqual(collect(30n), [2]);
    assert.equal(exemplars.counters.unmatched, 1);
  });

  it('whose event was read before its sum wait until their bucket has a count', () => {
    for (const temporality of ['cumulative', 'delta'] as const) {
      const store = storeOf(temporality);
      const exemplars = new ExemplarStore();
      const collect = (second: bigint): number[] | undefined => {
        const collected = store.collect(second * ns);
        exemplars.attach(collected);
        return valuesOf(collected)[0];
      };
      store.addHistogram(histogram, app, {}, { counts: [1, 0, 0, 0], sum: 0.1 });
      for (const value of [0.1, 4]) exemplars.offer(histogram, app, {}, exemplar(value));
      assert.deepEqual(collect(10n), [0.1], temporality);
      assert.equal(exemplars.counters.waiting, 1);
      store.addHistogram(histogram, app, {}, { counts: [0, 0, 1, 0], sum: 4 });
      assert.deepEqual(collect(20n), [4], temporality);
      assert.deepEqual(exemplars.counters, { waiting: 0, leftOut: 0, unmatched: 0 });
    }
  });

  it('whose bucket stays empty are let go of', () => {
    const store = storeOf('cumulative');
    const exemplars = new ExemplarStore();
    store.addHistogram(histogram, app, {}, { counts: [1, 0, 0, 0], sum: 0.1 });
    exemplars.offer(histogram, app, {}, exemplar(4));
    for (const second of [10n, 20n]) exemplars.attach(store.collect(second * ns));
    assert.deepEqual(exemplars.counters, { waiting: 0, leftOut: 0, unmatched: 1 });
  });

  it('whose series is never exported are let go of', () => {
    const exemplars = new ExemplarStore();
    exemplars.offer(counter, app, {}, exemplar(1));
    exemplars.attach([]);
    assert.equal(exemplars.counters.waiting, 1);
    exemplars.attach([]);
    assert.deepEqual(exemplars.counters, { waiting: 0, leftOut: 0, unmatched: 1 });
  });

  it('come again with what could not be exported', async () => {
    for (const temporality of ['cumulative', 'delta'] as const) {
      const store = storeOf(temporality);
      const exemplars = new ExemplarStore();
      const source = withExemplars(store, exemplars);
      store.add(counter, app, {}, 1);
      exemplars.offer(counter, app, {}, exemplar(7));
      source.restore(await source.collect(10n * ns));
      assert.deepEqual(valuesOf(await source.collect(20n * ns)), { 0: [7] }, temporality);
    }
  });

  it('are of so many series and no more; the rest is counted', () => {
    const exemplars = new ExemplarStore(10);
    for (let i = 0; i < 25; i += 1) {
      for (let n = 0; n < 9; n += 1) exemplars.offer(counter, app, { i }, exemplar(n));
    }
    assert.deepEqual(exemplars.counters, { waiting: 40, leftOut: 15 * 9, unmatched: 0 });
  });
});
