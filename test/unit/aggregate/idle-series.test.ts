import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DataPoint, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { MAX_SERVER_PORTS } from '../../../receiver/aggregate/server-ports.ts';
import { counter, workload } from './descriptors.ts';

const STALE_AFTER = 3;

const pointsOf = (collected: readonly ResourceMetrics[]): DataPoint<number>[] =>
  collected
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    .flatMap(({ dataPoints }) => dataPoints as DataPoint<number>[]);

const portOf = ({ attributes }: DataPoint<number>): unknown => attributes['server.port'] ?? 'overflow';

/** A process that lives on, whose sums a backend keeps. */
class Service {
  readonly store = createMetricStore({
    temporality: 'cumulative',
    startUnixNs: 0n,
    staleAfterCollections: STALE_AFTER,
  });
  /** By series and start, what came last: as a backend adds them up. */
  readonly #last = new Map<string, number>();
  #seconds = 0n;
  added = 0;

  use(...ports: readonly number[]): void {
    for (const port of ports) {
      this.store.add(counter, workload('a'), { 'server.port': port }, port);
      this.added += port;
    }
  }

  /** Ports that left; `fails`: the export does not succeed. */
  collect(fails = false): unknown[] {
    this.#seconds += 1n;
    const collected = this.store.collect(this.#seconds * 1_000_000_000n);
    const points = pointsOf(collected);
    if (fails) this.store.restore(collected);
    else
      for (const point of points)
        this.#last.set(`${String(portOf(point))} ${String(point.startTime)}`, point.value);
    return points.map(portOf);
  }

  get total(): number {
    return [...this.#last.values()].reduce((sum, value) => sum + value, 0);
  }
}

const ports = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

describe('cumulative sums of a process that lives on', () => {
  it('that are idle make room for those that found none, and come back with a start of their own', () => {
    const service = new Service();
    service.use(...ports(1, MAX_SERVER_PORTS));
    for (let i = 0; i < STALE_AFTER + 1; i += 1) {
      service.use(1, 1001);
      assert.ok(!service.collect().includes(1001), 'the first ones have the room');
    }
    service.use(1, 1001);
    const shown = service.collect();
    assert.deepEqual([shown.includes(1), shown.includes(2)], [true, false]);
    service.use(1, 2, 1001);
    const next = service.collect();
    assert.deepEqual([next.includes(1), next.includes(2), next.includes(1001)], [true, true, true]);
    assert.equal(service.total, service.added);
  });

  it('go on while there is room, however long they are idle', () => {
    const service = new Service();
    service.use(...ports(1, MAX_SERVER_PORTS));
    for (let i = 0; i < 3 * STALE_AFTER; i += 1) {
      service.use(1);
      assert.equal(service.collect().length, MAX_SERVER_PORTS);
    }
    assert.equal(service.total, service.added);
  });

  it('stay until their last value arrived often enough', () => {
    const service = new Service();
    service.use(...ports(1, MAX_SERVER_PORTS));
    for (let i = 0; i < 3 * STALE_AFTER; i += 1) {
      service.use(1, 1001);
      assert.ok(service.collect(true).includes(2));
    }
    service.collect();
    assert.equal(service.total, service.added);
  });
});
