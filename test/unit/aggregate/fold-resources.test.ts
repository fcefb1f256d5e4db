import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DataPoint, Histogram, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import type { ObservedResource } from '../../../receiver/model/resource.ts';
import { counter, histogram, level, workload } from './descriptors.ts';

const startUnixNs = 1_790_000_000_000_000_000n;
const after = (seconds: number): bigint => startUnixNs + BigInt(seconds) * 1_000_000_000n;
const HOST: ObservedResource = { id: 'h', kind: 'host', attributes: { 'service.name': 'host' } };

/** `resource metric attributes` → value; of a histogram its count and sum. */
function valuesOf(collected: readonly ResourceMetrics[]): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const { resource, scopeMetrics } of collected)
    for (const { metrics } of scopeMetrics)
      for (const { descriptor, dataPoints } of metrics)
        for (const { value, attributes } of dataPoints as DataPoint<number | Histogram>[]) {
          const key = [resource.attributes['service.name'], descriptor.name, ...Object.values(attributes)];
          found[key.join(' ')] = typeof value === 'number' ? value : [value.count, value.sum];
        }
  return found;
}

for (const temporality of ['delta', 'cumulative'] as const) {
  describe(`resources of short-lived processes, ${temporality}`, () => {
    const create = (dead: ReadonlySet<string>, more = {}) =>
      createMetricStore({
        temporality,
        startUnixNs,
        foldInto: ({ id }) => (dead.has(id) ? HOST : undefined),
        ...more,
      });

    it('are folded before they were ever exported, and nothing is lost', () => {
      const store = create(new Set(['a', 'b']));
      for (const id of ['a', 'b', 'c']) {
        store.add(counter, workload(id), { peer: 'p' }, 5);
        store.addHistogram(histogram, workload(id), {}, { counts: [1, 0, 2, 0], sum: 3 });
        store.set(level, workload(id), {}, 2);
      }
      store.add(counter, HOST, { peer: 'p' }, 100);
      const values = valuesOf(store.collect(after(1)));
      assert.deepEqual(values, {
        'c test.things p': 5,
        'c test.duration': [3, 3],
        'c test.count': 2,
        'host test.things p': 110,
        'host test.duration': [6, 6],
        'host test.count': 4,
      });
      assert.deepEqual([store.resourceCount(), store.seriesCount()], [2, 6]);
    });

    it('are folded again when more comes, and exported only once', () => {
      const store = create(new Set(['a']));
      let total = 0;
      for (const seconds of [1, 2, 3]) {
        store.add(counter, workload('a'), {}, seconds);
        const values = valuesOf(store.collect(after(seconds)));
        assert.deepEqual(Object.keys(values), ['host test.things']);
        const value = values['host test.things'] as number;
        total = temporality === 'delta' ? total + value : value;
      }
      assert.equal(total, 6);
    });

    it('keep their own when they were exported', () => {
      const dead = new Set<string>();
      const store = create(dead);
      store.add(counter, workload('a'), {}, 1);
      assert.deepEqual(Object.keys(valuesOf(store.collect(after(1)))), ['a test.things']);
      dead.add('a');
      store.add(counter, workload('a'), {}, 1);
      assert.deepEqual(Object.keys(valuesOf(store.collect(after(2)))), ['a test.things']);
    });

    it('bring what overflowed along', () => {
      const store = create(new Set(['a']), { maxPointsPerMetricAndResource: 3 });
      for (let peer = 0; peer < 10; peer += 1) store.add(counter, workload('a'), { peer }, 1);
      assert.deepEqual(valuesOf(store.collect(after(1))), {
        'host test.things 0': 1,
        'host test.things 1': 1,
        'host test.things true': 8,
      });
    });
  });
}
