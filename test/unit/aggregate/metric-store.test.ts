import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ValueType } from '@opentelemetry/api';
import type { DataPoint, Histogram, MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { counter, histogram, level, timeCounter, workload } from './descriptors.ts';

const second = 1_000_000_000n;
const startUnixNs = 1_790_000_000n * second + 123_456_789n;

function at(seconds: number): bigint {
  return startUnixNs + BigInt(seconds) * second;
}

function metricsOf(collected: ResourceMetrics[], name: string): MetricData[] {
  return collected
    .flatMap((r) => r.scopeMetrics.flatMap((s) => s.metrics))
    .filter((m) => m.descriptor.name === name);
}

function pointsOf(collected: ResourceMetrics[], name: string): DataPoint<number>[] {
  return metricsOf(collected, name).flatMap((m) => m.dataPoints as DataPoint<number>[]);
}

test('one element a resource, scopes by name, types and temporality of the instrument', () => {
  const store = createMetricStore({ temporality: 'delta', startUnixNs });
  store.add(counter, workload('a'), { role: 'client' }, 3);
  store.add(timeCounter, workload('a'), {}, 2);
  store.set(level, workload('b'), {}, 5);
  store.addHistogram(histogram, workload('b'), {}, { counts: [1, 0, 2, 0], sum: 5.5 });
  const collected = store.collect(at(60));
  assert.deepEqual(
    collected.map((r) => [r.resource.attributes['service.name'], r.scopeMetrics.map((s) => s.scope.name)]),
    [
      ['a', ['wirespan/tcp', 'wirespan/softirq']],
      ['b', ['wirespan/tcp']],
    ],
  );
  const things = metricsOf(collected, 'test.things')[0];
  assert.ok(things?.dataPointType === DataPointType.SUM && things.isMonotonic);
  assert.equal(things.aggregationTemporality, AggregationTemporality.DELTA);
  assert.equal(things.descriptor.valueType, ValueType.INT);
  assert.deepEqual(things.dataPoints[0]?.startTime, [1_790_000_000, 123_456_789]);
  assert.deepEqual(things.dataPoints[0]?.endTime, [1_790_000_060, 123_456_789]);
  assert.equal(metricsOf(collected, 'test.time')[0]?.descriptor.valueType, ValueType.DOUBLE);
  const count = metricsOf(collected, 'test.count')[0];
  assert.ok(count?.dataPointType === DataPointType.SUM && !count.isMonotonic);
  assert.equal(count.aggregationTemporality, AggregationTemporality.CUMULATIVE);
  const duration = metricsOf(collected, 'test.duration')[0]?.dataPoints[0]?.value as Histogram;
  assert.deepEqual(duration, {
    buckets: { boundaries: [0.25, 1, 4], counts: [1, 0, 2, 0] },
    sum: 5.5,
    count: 3,
  });
});

test('cumulative goes on, delta starts anew, and start times follow', () => {
  for (const temporality of ['cumulative', 'delta', 'lowmemory'] as const) {
    const store = createMetricStore({ temporality, startUnixNs });
    const isDelta = temporality !== 'cumulative';
    store.add(counter, workload('a'), {}, 3);
    store.collect(at(10));
    store.add(counter, workload('a'), {}, 4);
    store.add(counter, workload('late'), {}, 1);
    const [a, late] = pointsOf(store.collect(at(20)), 'test.things');
    assert.equal(a?.value, isDelta ? 4 : 7);
    assert.equal(a?.startTime[0], isDelta ? 1_790_000_010 : 1_790_000_000);
    assert.equal(late?.startTime[0], 1_790_000_010, 'a later series starts where the last collection ended');
    assert.equal(pointsOf(store.collect(at(30)), 'test.things').length, isDelta ? 0 : 2);
  }
});

test('an idle delta series gives its slot back', () => {
  const store = createMetricStore({ temporality: 'delta', startUnixNs });
  store.add(counter, workload('a'), { x: 1 }, 1);
  store.add(counter, workload('a'), { x: 2 }, 1);
  store.collect(at(1));
  store.add(counter, workload('a'), { x: 1 }, 1);
  store.collect(at(2));
  assert.equal(store.seriesCount(), 1);
  store.collect(at(3));
  store.collect(at(4));
  assert.equal(store.seriesCount(), 0);
  assert.equal(store.resourceCount(), 0);
});

test('the same set of attributes is one series, whatever the order; types differ', () => {
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs });
  const frozen = Object.freeze({ a: 1, b: 'x' });
  store.add(counter, workload('a'), frozen, 1);
  store.add(counter, workload('a'), frozen, 1);
  store.add(counter, workload('a'), { b: 'x', a: 1 }, 1);
  store.add(counter, workload('a'), { a: 1, b: 'x', c: undefined }, 1);
  store.add(counter, workload('a'), { a: '1', b: 'x' }, 1);
  assert.deepEqual(
    pointsOf(store.collect(at(1)), 'test.things').map((p) => p.value),
    [4, 1],
  );
});

test('attributes that the caller changes later do not change the series', () => {
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs });
  const attributes = { port: 80 };
  store.add(counter, workload('a'), attributes, 1);
  attributes.port = 443;
  store.add(counter, workload('a'), attributes, 2);
  const points = pointsOf(store.collect(at(1)), 'test.things');
  assert.deepEqual(
    points.map((p) => [p.attributes['port'], p.value]),
    [
      [80, 1],
      [443, 2],
    ],
  );
});

test('set: calls of one interval are summed, a series not set again ends with a zero', () => {
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs });
  store.set(level, workload('a'), {}, 2);
  store.set(level, workload('a'), {}, 3);
  assert.deepEqual(
    pointsOf(store.collect(at(1)), 'test.count').map((p) => p.value),
    [5],
  );
  store.set(level, workload('a'), {}, 4);
  const [point] = pointsOf(store.collect(at(2)), 'test.count');
  assert.equal(point?.value, 4);
  assert.equal(point?.startTime[0], 1_790_000_000);
  const last = store.collect(at(3));
  assert.deepEqual(
    pointsOf(last, 'test.count').map((p) => p.value),
    [0],
  );
  store.restore(last);
  assert.deepEqual(
    pointsOf(store.collect(at(4)), 'test.count').map((p) => p.value),
    [0],
    'again, since it did not arrive',
  );
  assert.deepEqual(store.collect(at(5)), []);
  assert.equal(store.seriesCount(), 0);
});

test('a resource that goes takes back what it showed', () => {
  const store = createMetricStore({ temporality: 'delta', startUnixNs });
  store.set(level, workload('a'), {}, 2);
  store.retire('a');
  const values = [1, 2, 3].map((i) => pointsOf(store.collect(at(i)), 'test.count').map((p) => p.value));
  assert.deepEqual(values, [[2], [0], []]);
  assert.equal(store.resourceCount(), 0);
});

test('at most 2000 points, the overflow series included, on the same resource and metric', () => {
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs });
  for (let i = 0; i < 2500; i += 1) store.add(counter, workload('a'), { peer: `10.0.0.${i}` }, 1);
  store.add(counter, workload('b'), { peer: 'x' }, 1);
  const collected = store.collect(at(1));
  const points = pointsOf(collected.slice(0, 1), 'test.things');
  assert.equal(points.length, 2000);
  const overflow = points.filter((p) => p.attributes['otel.metric.overflow'] === true);
  assert.deepEqual(
    overflow.map((p) => [p.attributes, p.value]),
    [[{ 'otel.metric.overflow': true }, 501]],
  );
  assert.equal(pointsOf(collected.slice(1), 'test.things').length, 1);
  assert.deepEqual(store.overflowed(), { overflowed: 501, spilled: 0, refused: 0, overPorts: 0 });
});

test("the metric's own bound holds when it is lower", () => {
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs });
  for (let i = 0; i < 10; i += 1) store.add({ ...counter, maxSeries: 4 }, workload('a'), { i }, 1);
  assert.deepEqual(
    pointsOf(store.collect(at(1)), 'test.things').map((p) => p.value),
    [1, 1, 1, 7],
  );
});

test('the bound on all series is never passed; what finds no room spills, nothing is lost', () => {
  const spillResource = { id: 'host', kind: 'host', attributes: { 'host.id': 'h' } } as const;
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs, maxSeries: 100, spillResource });
  for (let w = 0; w < 300; w += 1) {
    for (let i = 0; i < 3; i += 1) store.add(counter, workload(`w${w}`), { i }, 1);
    assert.ok(store.seriesCount() <= 100);
  }
  const collected = store.collect(at(1));
  const points = pointsOf(collected, 'test.things');
  assert.ok(points.length <= 100);
  assert.equal(
    points.reduce((sum, p) => sum + p.value, 0),
    900,
  );
  const spilled = collected.find((r) => r.resource.attributes['host.id'] === 'h');
  assert.equal(
    pointsOf(spilled === undefined ? [] : [spilled], 'test.things')[0]?.value,
    store.overflowed().spilled,
  );
  assert.equal(store.overflowed().refused, 0);
  assert.ok(store.resourceCount() <= 100, 'resources without room must not pile up');
});

test('a retired resource leaves once, then its slots are free', () => {
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs });
  store.add(counter, workload('a'), {}, 7);
  store.collect(at(1));
  store.add(counter, workload('a'), {}, 1);
  store.retire('a');
  assert.deepEqual(
    pointsOf(store.collect(at(2)), 'test.things').map((p) => p.value),
    [8],
  );
  assert.deepEqual(store.collect(at(3)), []);
  assert.equal(store.seriesCount(), 0);
  store.add(counter, workload('a'), {}, 2);
  const [again] = pointsOf(store.collect(at(4)), 'test.things');
  assert.deepEqual(
    [again?.value, again?.startTime[0]],
    [2, 1_790_000_003],
    'no overlap with the former stream',
  );
});

test('the last values of a retired resource stay until they were exported', () => {
  for (const temporality of ['cumulative', 'delta'] as const) {
    const store = createMetricStore({ temporality, startUnixNs });
    store.add(counter, workload('a'), {}, 7);
    store.retire('a');
    for (let i = 1; i <= 5; i += 1) {
      const collected = store.collect(at(i));
      const [point] = pointsOf(collected, 'test.things');
      assert.deepEqual([point?.value, point?.startTime[0]], [7, 1_790_000_000]);
      store.restore(collected);
    }
    store.collect(at(6));
    assert.deepEqual(store.collect(at(7)), []);
    assert.equal(store.seriesCount(), 0);
  }
});

test('a resource without any gain is retired after a while', () => {
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs, staleAfterCollections: 3 });
  store.add(counter, workload('a'), {}, 1);
  let emitted = 0;
  for (let i = 1; i < 20; i += 1) {
    store.add(counter, workload('busy'), {}, 1);
    emitted += store.collect(at(i)).length - 1;
  }
  assert.ok(emitted >= 3 && emitted <= 4, `${emitted}`);
  assert.equal(store.resourceCount(), 1);
});

test('values that an instrument does not take are refused and counted', () => {
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs });
  store.add(counter, workload('a'), {}, -1);
  store.add(counter, workload('a'), {}, Number.NaN);
  store.add(level, workload('a'), {}, 1);
  store.set(counter, workload('a'), {}, 1);
  store.addHistogram(histogram, workload('a'), {}, { counts: [1], sum: 1 });
  assert.equal(store.overflowed().refused, 5);
  assert.deepEqual(store.collect(at(1)), []);
});

test('knows how many bytes of resources it holds, until they are freed', () => {
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs });
  const large = { id: 'large', kind: 'workload', attributes: { key: 'v'.repeat(97), number: 1 } } as const;
  const host = { id: 'host', kind: 'host', attributes: { key: 'v'.repeat(97) } } as const;
  for (let i = 0; i < 3; i += 1) store.add(counter, large, {}, 1);
  store.add(counter, host, {}, 1);
  assert.equal(store.resourceBytes(), 100 + 6 + 8);
  store.retire('large');
  store.collect(at(1));
  assert.equal(store.resourceBytes(), 114, 'its last values are on their way');
  store.collect(at(2));
  assert.equal(store.resourceBytes(), 0);
});
