import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DataPoint, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { MAX_SERVER_PORTS } from '../../../receiver/aggregate/server-ports.ts';
import { counter, level, workload } from './descriptors.ts';

const startUnixNs = 1_790_000_000_000_000_000n;
const after = (seconds: number): bigint => startUnixNs + BigInt(seconds) * 1_000_000_000n;
const PORTS = 200;

/** The values of one metric by port, the overflow series under `overflow`. */
function valuesOf(collected: readonly ResourceMetrics[], name: string): Map<string, number> {
  const points = collected
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    .filter(({ descriptor }) => descriptor.name === name)
    .flatMap(({ dataPoints }) => dataPoints as DataPoint<number>[]);
  return new Map(
    points.map(({ attributes, value }) => [String(attributes['server.port'] ?? 'overflow'), value]),
  );
}

const sum = (values: ReadonlyMap<string, number>): number => [...values.values()].reduce((a, b) => a + b, 0);

for (const temporality of ['delta', 'cumulative'] as const) {
  describe(`ports of a workload, ${temporality}`, () => {
    const create = () => createMetricStore({ temporality, startUnixNs });

    it(`are at most ${MAX_SERVER_PORTS}; the rest is one overflow series a metric, and the sum exact`, () => {
      const store = create();
      for (let port = 1; port <= PORTS; port += 1) {
        store.add(counter, workload('a'), { 'server.port': port }, port);
        store.set(level, workload('a'), { 'server.port': port }, 1);
        store.add(counter, workload('b'), { 'server.port': 7 }, 1);
      }
      const collected = store.collect(after(1));
      const ofA = collected.filter(({ resource }) => resource.attributes['service.name'] === 'a');
      for (const name of [counter.name, level.name]) {
        const values = valuesOf(ofA, name);
        assert.equal(values.size, MAX_SERVER_PORTS + 1);
        assert.ok(values.has('1') && values.has('64') && values.has('overflow'));
      }
      assert.equal(sum(valuesOf(ofA, counter.name)), (PORTS * (PORTS + 1)) / 2);
      assert.equal(valuesOf(ofA, level.name).get('overflow'), PORTS - MAX_SERVER_PORTS);
      const { overPorts, overflowed } = store.overflowed();
      assert.deepEqual([overPorts, overflowed], Array(2).fill(2 * (PORTS - MAX_SERVER_PORTS)));
    });

    it('are the same for every metric, whatever else the series have', () => {
      const store = create();
      for (let port = 1; port <= MAX_SERVER_PORTS; port += 1)
        store.add(counter, workload('a'), { 'server.port': port }, 1);
      store.add(counter, workload('a'), { 'server.port': 1, role: 'client' }, 1);
      store.set(level, workload('a'), { 'server.port': 2 }, 1);
      store.add(counter, workload('a'), { role: 'client' }, 1);
      assert.equal(store.overflowed().overPorts, 0);
      store.set(level, workload('a'), { 'server.port': 65 }, 1);
      assert.equal(store.overflowed().overPorts, 1);
    });

    it('make room when their resource goes, and stay counted', () => {
      const store = create();
      const fill = (): void => {
        for (let port = 1; port <= PORTS; port += 1)
          store.add(counter, workload('a'), { 'server.port': port }, 1);
      };
      fill();
      store.retire('a');
      for (const seconds of [1, 2]) store.collect(after(seconds));
      assert.equal(store.resourceCount(), 0);
      fill();
      assert.equal(store.overflowed().overPorts, 2 * (PORTS - MAX_SERVER_PORTS));
      assert.equal(valuesOf(store.collect(after(3)), counter.name).size, MAX_SERVER_PORTS + 1);
    });
  });
}

describe('ports', () => {
  it('that have no series any more make room', () => {
    const store = createMetricStore({ temporality: 'delta', startUnixNs });
    const add = (first: number): void => {
      for (let port = first; port < first + MAX_SERVER_PORTS; port += 1)
        store.add(counter, workload('a'), { 'server.port': port }, 1);
    };
    add(1);
    for (const seconds of [1, 2]) store.collect(after(seconds));
    add(1_000);
    assert.equal(store.overflowed().overPorts, 0);
    assert.equal(valuesOf(store.collect(after(3)), counter.name).size, MAX_SERVER_PORTS);
  });

  it('of the host are those of many, and only bounded like all series', () => {
    const store = createMetricStore({ temporality: 'delta', startUnixNs });
    for (let port = 1; port <= PORTS; port += 1)
      store.add(counter, { id: 'h', kind: 'host', attributes: {} }, { 'server.port': port }, 1);
    assert.equal(valuesOf(store.collect(after(1)), counter.name).size, PORTS);
  });
});
