import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPoint, Histogram, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import type { MetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { counter, histogram, workload } from './descriptors.ts';

type Step =
  | { kind: 'add'; resource: number; series: number; value: number }
  | { kind: 'histogram'; resource: number; series: number; bucket: number }
  | { kind: 'retire'; resource: number }
  | { kind: 'collect'; failed: number };

const resource = fc.integer({ min: 0, max: 5 });
const series = fc.integer({ min: 0, max: 7 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('add' as const), resource, series, value: fc.nat(1000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('histogram' as const), resource, series, bucket: fc.nat(3) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retire' as const), resource }) },
  // `failed`: a bit a resource whose points do not reach the collector.
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('collect' as const), failed: fc.nat(63) }) },
);

/** What a backend makes of the points: sums a stream, a stream being identity and start time. */
class Backend {
  readonly #isDelta: boolean;
  readonly #streams = new Map<string, number>();

  constructor(isDelta: boolean) {
    this.#isDelta = isDelta;
  }

  receive(collected: readonly ResourceMetrics[]): void {
    for (const { resource: r, scopeMetrics } of collected) {
      for (const data of scopeMetrics.flatMap((s) => s.metrics)) {
        for (const point of data.dataPoints as DataPoint<number | Histogram>[]) {
          const key = JSON.stringify([r.attributes, data.descriptor.name, point.attributes, point.startTime]);
          const value = typeof point.value === 'number' ? point.value : point.value.count * 1_000_000;
          this.#streams.set(key, this.#isDelta ? (this.#streams.get(key) ?? 0) + value : value);
        }
      }
    }
  }

  total(): number {
    let sum = 0;
    for (const value of this.#streams.values()) sum += value;
    return sum;
  }
}

function perform(store: MetricStore, current: Step, now: bigint, backend: Backend): number {
  switch (current.kind) {
    case 'add':
      store.add(counter, workload(`w${current.resource}`), { s: current.series }, current.value);
      return current.value;
    case 'histogram': {
      const counts = [0, 0, 0, 0];
      counts[current.bucket] = 1;
      store.addHistogram(
        histogram,
        workload(`w${current.resource}`),
        { s: current.series },
        { counts, sum: 1 },
      );
      return 1_000_000;
    }
    case 'retire':
      store.retire(`w${current.resource}`);
      return 0;
    case 'collect': {
      const collected = store.collect(now);
      const hasFailed = (_: ResourceMetrics, index: number): boolean => ((current.failed >> index) & 1) === 1;
      backend.receive(collected.filter((r, i) => !hasFailed(r, i)));
      store.restore(collected.filter(hasFailed));
      return 0;
    }
  }
}

for (const temporality of ['cumulative', 'delta'] as const) {
  test(`${temporality}: what the backend sums up equals what was added, with every cap biting`, () => {
    let overflowed = 0;
    let spilled = 0;
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        fc.integer({ min: 12, max: 60 }),
        (steps, maxSeries) => {
          const startUnixNs = 1_000_000_000_000_000_000n;
          const store = createMetricStore({
            temporality,
            startUnixNs,
            maxSeries,
            maxPointsPerMetricAndResource: 5,
            staleAfterCollections: 4,
          });
          const backend = new Backend(temporality === 'delta');
          let now = startUnixNs;
          let added = 0;
          for (const current of steps) {
            now += 1_000_000_000n;
            added += perform(store, current, now, backend);
            assert.ok(store.seriesCount() <= maxSeries);
          }
          backend.receive(store.collect(now + 1n));
          assert.equal(store.overflowed().refused, 0);
          assert.equal(backend.total(), added);
          overflowed += store.overflowed().overflowed;
          spilled += store.overflowed().spilled;
        },
      ),
      { numRuns: 300 },
    );
    assert.ok(overflowed > 0 && spilled > 0, 'the caps must have bitten');
  });
}
