import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DataPoint, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { createMetricStore, type MetricStore } from '../../../receiver/aggregate/metric-store.ts';
import type { MetricStoreOptions } from '../../../receiver/aggregate/metric-store-options.ts';
import type { RareSeries } from '../../../receiver/model/metric-sink.ts';
import { counter, level, timeCounter, workload } from './descriptors.ts';

const RARE: readonly RareSeries[] = [
  [counter, { kind: 'bad', 'server.port': 80 }],
  [counter, { kind: 'worse', 'server.port': 80 }],
  [timeCounter, {}],
];

function storeOf(options: Partial<MetricStoreOptions> = {}): MetricStore {
  return createMetricStore({ temporality: 'cumulative', startUnixNs: 0n, ...options });
}

/** Values by attributes, of the counters. */
function counted(collected: readonly ResourceMetrics[]): Record<string, number> {
  const points = collected.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics
        .filter(({ descriptor }) => descriptor.name !== level.name)
        .flatMap(({ dataPoints }) => dataPoints as DataPoint<number>[]),
    ),
  );
  return Object.fromEntries(points.map(({ attributes, value }) => [String(attributes['kind']), value]));
}

describe('counters that are expected', () => {
  test('are there at zero, and count on', () => {
    const [store, row] = [storeOf(), {}];
    for (let i = 0; i < 2; i += 1) {
      store.set(level, workload('a'), {}, 1);
      store.expect(workload('a'), row, () => RARE);
      assert.deepEqual(counted(store.collect(BigInt(i + 1))), { bad: 0, worse: 0, undefined: 0 });
    }
    store.add(counter, workload('a'), { 'server.port': 80, kind: 'bad' }, 3);
    assert.deepEqual(counted(store.collect(3n)), { bad: 3, worse: 0, undefined: 0 });
  });

  test('are asked for once a row, and again when the resource comes back', () => {
    const [store, row] = [storeOf(), {}];
    let asked = 0;
    const gain = (): void => {
      store.add(counter, workload('a'), { kind: 'good' }, 1);
      store.expect(workload('a'), row, () => {
        asked += 1;
        return RARE;
      });
    };
    for (let i = 1; i < 5; i += 1) {
      gain();
      store.collect(BigInt(i));
    }
    assert.equal(asked, 1);
    store.retire('a');
    for (let i = 5; i < 8; i += 1) store.collect(BigInt(i));
    assert.equal(store.seriesCount(), 0);
    gain();
    assert.deepEqual(counted(store.collect(9n)), { good: 1, bad: 0, worse: 0, undefined: 0 });
  });

  test('are none of deltas, of the host, of who measured nothing, and of who ended before', () => {
    const deltas = storeOf({ temporality: 'delta' });
    deltas.add(counter, workload('a'), { kind: 'good' }, 1);
    deltas.expect(workload('a'), {}, () => RARE);
    assert.deepEqual(counted(deltas.collect(1n)), { good: 1 });
    const store = storeOf();
    store.expect(workload('never'), {}, () => RARE);
    store.add(counter, { ...workload('host'), kind: 'host' }, { kind: 'good' }, 1);
    store.expect({ ...workload('host'), kind: 'host' }, {}, () => RARE);
    store.add(counter, workload('ended'), { kind: 'last' }, 1);
    store.expect(workload('ended'), {}, () => RARE);
    store.retire('ended');
    assert.deepEqual(counted(store.collect(1n)), { good: 1, last: 1 });
  });

  test('take no room that a measurement could miss, and nothing overflows for them', () => {
    const store = storeOf({ maxSeries: 40 });
    const many = Array.from({ length: 100 }, (_, i): RareSeries => [counter, { kind: `k${i}` }]);
    store.add(counter, workload('a'), { kind: 'good' }, 1);
    store.expect(workload('a'), {}, () => many);
    store.collect(1n);
    const { overflowed, spilled, refused, overPorts } = store.overflowed();
    assert.deepEqual(
      { overflowed, spilled, refused, overPorts },
      { overflowed: 0, spilled: 0, refused: 0, overPorts: 0 },
    );
    assert.ok(store.seriesCount() > 1 && store.seriesCount() <= 20, String(store.seriesCount()));
    store.add(counter, workload('b'), { kind: 'real' }, 2);
    assert.equal(counted(store.collect(2n))['real'], 2);
  });

  test('have no port that is one too many', () => {
    const store = storeOf({ maxServerPorts: 1 });
    store.add(counter, workload('a'), { 'server.port': 443, kind: 'good' }, 1);
    store.expect(workload('a'), {}, () => RARE);
    assert.deepEqual(counted(store.collect(1n)), { good: 1, undefined: 0 });
    assert.equal(store.overflowed().overPorts, 0);
  });
});
