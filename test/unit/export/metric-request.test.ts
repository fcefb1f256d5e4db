import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { countPoints, encodeMetrics } from '../../../receiver/export/metric-request.ts';
import { counter, level, workload } from '../aggregate/descriptors.ts';
import { decodeRequest } from '../../support/otlp-decode.ts';

test('requests keep to both bounds and hold every point once, whatever the shape', () => {
  const shape = fc.array(fc.record({ counters: fc.nat(30), levels: fc.nat(30), length: fc.nat(60) }), {
    maxLength: 8,
  });
  const bounds = fc.record({
    maxPoints: fc.integer({ min: 1, max: 25 }),
    maxBytes: fc.integer({ min: 150, max: 4000 }),
  });
  fc.assert(
    fc.property(shape, bounds, (resources, limits) => {
      const store = createMetricStore({ temporality: 'delta', startUnixNs: 0n });
      resources.forEach(({ counters, levels, length }, r) => {
        for (let i = 0; i < counters; i += 1)
          store.add(counter, workload(`${r}`), { i, pad: 'x'.repeat(length) }, 1);
        for (let i = 0; i < levels; i += 1) store.set(level, workload(`${r}`), { i }, 1);
      });
      const collected = store.collect(1n);
      const seen: string[] = [];
      for (const request of encodeMetrics(collected, limits)) {
        const points = decodeRequest('metrics', request.bytes).flatMap((metric) =>
          (metric.sum?.dataPoints ?? []).map((p) =>
            JSON.stringify([metric.resource, metric.name, p.attributes]),
          ),
        );
        assert.equal(points.length, request.items);
        assert.equal(countPoints(request.parts), request.items);
        assert.ok(request.items <= limits.maxPoints);
        assert.ok(request.bytes.length <= limits.maxBytes || request.items === 1);
        seen.push(...points);
      }
      assert.equal(seen.length, countPoints(collected));
      assert.equal(new Set(seen).size, seen.length);
    }),
    { numRuns: 200 },
  );
});
