/** The real-time clock is set while the store runs: what a backend makes of the points stays exact. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DataPoint, Histogram, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { ExemplarStore, withExemplars } from '../../../receiver/aggregate/exemplars.ts';
import { toHrTime } from '../../../receiver/aggregate/hr-time.ts';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import type { StoredPoint } from '../../../receiver/aggregate/series.ts';
import { Timeline } from '../../../receiver/aggregate/timeline.ts';
import { counter, histogram, level, workload } from './descriptors.ts';
import { ClockedBackend, unixNsOf } from './clocked-backend.ts';

const second = 1_000_000_000n;
const startUnixNs = 1_790_000_000n * second;

/** A real-time clock that can be set, over a steady one. */
class SettableClock {
  monotonicNs = 1_000n * second;
  offsetNs = startUnixNs - this.monotonicNs;

  get unixNs(): bigint {
    return this.monotonicNs + this.offsetNs;
  }
}

type Step =
  | { kind: 'add'; series: number; value: number }
  | { kind: 'level'; value: number }
  | { kind: 'histogram'; series: number; bucket: number }
  | { kind: 'wait'; milliseconds: number }
  | { kind: 'set clock'; milliseconds: number }
  | { kind: 'collect'; failed: number };

const series = fc.integer({ min: 0, max: 3 });
const day = 86_400_000;
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('add' as const), series, value: fc.nat(1000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('level' as const), value: fc.nat(9) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('histogram' as const), series, bucket: fc.nat(3) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      milliseconds: fc.integer({ min: 1, max: 60_000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('set clock' as const),
      milliseconds: fc.oneof(
        fc.integer({ min: -day, max: day }),
        fc.constantFrom(-20_000, -1_800_000, -1, 1, -500, 3_600_000),
      ),
    }),
  },
  // `failed`: a bit a resource whose points do not reach the collector.
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('collect' as const), failed: fc.nat(3) }) },
);

for (const temporality of ['cumulative', 'delta'] as const) {
  test(`${temporality}: sums stay exact and times in order, however the clock is set`, async () => {
    let stepsBack = 0;
    const play = async (steps: readonly Step[]): Promise<void> => {
      const clock = new SettableClock();
      const store = createMetricStore({ temporality, startUnixNs, monotonicNs: () => clock.monotonicNs });
      const exemplars = new ExemplarStore();
      const source = withExemplars(store, exemplars);
      const backend = new ClockedBackend(temporality === 'delta');
      let added = 0;
      const collect = async (failed: number): Promise<void> => {
        clock.monotonicNs += 1n;
        const collected = await source.collect(clock.unixNs);
        const hasFailed = (_: ResourceMetrics, index: number): boolean => ((failed >> index) & 1) === 1;
        backend.receive(collected, clock.unixNs);
        backend.keep(collected.filter((r, i) => !hasFailed(r, i)));
        source.restore(collected.filter(hasFailed));
      };
      for (const current of steps) {
        switch (current.kind) {
          case 'add': {
            store.add(counter, workload('a'), { s: current.series }, current.value);
            const time = toHrTime(clock.unixNs);
            exemplars.offer(counter, workload('a'), { s: current.series }, { time, value: current.value });
            added += current.value;
            break;
          }
          case 'level':
            store.set(level, workload('b'), {}, current.value);
            break;
          case 'histogram': {
            const counts = [0, 0, 0, 0];
            counts[current.bucket] = 1;
            store.addHistogram(histogram, workload('b'), { s: current.series }, { counts, sum: 1 });
            added += 1_000_000;
            break;
          }
          case 'wait':
            clock.monotonicNs += BigInt(current.milliseconds) * 1_000_000n;
            break;
          case 'set clock':
            clock.offsetNs += BigInt(current.milliseconds) * 1_000_000n;
            stepsBack += current.milliseconds < 0 ? 1 : 0;
            break;
          case 'collect':
            await collect(current.failed);
            break;
        }
      }
      await collect(0);
      assert.equal(backend.total(), added);
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), play), { numRuns: 300 });
    assert.ok(stepsBack > 100, 'the clock must have been set back often');
  });
}

describe('a clock that is set back by half an hour', () => {
  const half = 1_800n * second;

  for (const temporality of ['cumulative', 'delta'] as const)
    test(`${temporality}: each collection has its own time, the new one, and its own length`, () => {
      const clock = new SettableClock();
      const store = createMetricStore({ temporality, startUnixNs, monotonicNs: () => clock.monotonicNs });
      const seen: [start: bigint, end: bigint, value: number][] = [];
      const collect = (): void => {
        clock.monotonicNs += 60n * second;
        store.add(counter, workload('a'), {}, 7);
        const [{ scopeMetrics } = { scopeMetrics: [] }] = store.collect(clock.unixNs);
        const point = scopeMetrics[0]?.metrics[0]?.dataPoints[0] as DataPoint<number>;
        seen.push([
          (unixNsOf(point.startTime) - startUnixNs) / second,
          (unixNsOf(point.endTime) - startUnixNs) / second,
          point.value,
        ]);
      };
      collect();
      collect();
      clock.offsetNs -= half;
      collect();
      collect();
      assert.deepEqual(
        seen,
        temporality === 'delta'
          ? [
              [0n, 60n, 7],
              [60n, 120n, 7],
              [-1_680n, -1_620n, 7],
              [-1_620n, -1_560n, 7],
            ]
          : [
              [0n, 60n, 7],
              [0n, 120n, 14],
              [-1_680n, -1_620n, 7],
              [-1_680n, -1_560n, 14],
            ],
      );
    });

  test('a cumulative sum that did not arrive is in the one that begins anew', () => {
    const clock = new SettableClock();
    const store = createMetricStore({
      temporality: 'cumulative',
      startUnixNs,
      monotonicNs: () => clock.monotonicNs,
    });
    const values: (number | Histogram)[] = [];
    for (const [gain, failed] of [
      [1, false],
      [2, true],
      [4, true],
      [8, false],
    ] as const) {
      clock.monotonicNs += second;
      if (gain === 8) clock.offsetNs -= half;
      store.add(counter, workload('a'), {}, gain);
      const collected = store.collect(clock.unixNs);
      if (failed) store.restore(collected);
      const point = collected[0]?.scopeMetrics[0]?.metrics[0]?.dataPoints[0] as StoredPoint<number>;
      values.push(point.value);
      if (gain === 8) assert.equal(unixNsOf(point.startTime), startUnixNs + second - half);
    }
    assert.deepEqual(values, [1, 3, 7, 14]);
  });

  test('an interval is as long as the steady clock says, and forwards as the real-time clock says', () => {
    const clock = new SettableClock();
    const timeline = new Timeline(startUnixNs, () => clock.monotonicNs);
    const lengths = [0n, -half, 3_600n * second, -1n * second].map((set) => {
      clock.monotonicNs += 60n * second;
      clock.offsetNs += set;
      const { start, end } = timeline.advance(clock.unixNs);
      assert.equal(unixNsOf(end), clock.unixNs);
      return (unixNsOf(end) - unixNsOf(start)) / second;
    });
    assert.deepEqual(lengths, [60n, 60n, 3_660n, 59n]);
  });
});
