import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import fc from 'fast-check';
import type { Exemplar } from '../../../receiver/aggregate/exemplar.ts';
import { ExemplarStore } from '../../../receiver/aggregate/exemplars.ts';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { encodeExemplars } from '../../../receiver/export/exemplar-encoding.ts';
import { encodeMetrics } from '../../../receiver/export/metric-request.ts';
import { counter, histogram, level, timeCounter, workload } from '../aggregate/descriptors.ts';
import { decodeRequest, type DecodedPoint } from '../../support/otlp-decode.ts';

const metrics = [counter, timeCounter, histogram] as const;
const seconds = 1_700_000_000;

function hexOf(digits: number): fc.Arbitrary<string> {
  return fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: digits, maxLength: digits })
    .map((d) => d.join(''));
}

const exemplar: fc.Arbitrary<Exemplar> = fc
  .record({
    nanos: fc.nat(999_999_999),
    value: fc.nat(1_000_000),
    ids: fc.option(fc.record({ traceId: hexOf(32), spanId: hexOf(16) }), { nil: undefined }),
  })
  .map(({ nanos, value, ids }) => ({ time: [seconds, nanos], value, ...ids }));

/** Points of one resource: which metric, which series, its exemplars. */
const point = fc.record({
  resource: fc.nat(2),
  metric: fc.nat(metrics.length - 1),
  i: fc.nat(40),
  text: fc.string({ maxLength: 200 }),
  exemplars: fc.array(exemplar, { maxLength: 3 }),
});

function pointsOf(bytes: Uint8Array): Map<string, DecodedPoint> {
  const points = new Map<string, DecodedPoint>();
  for (const { resource, name, sum, histogram: buckets } of decodeRequest('metrics', bytes)) {
    for (const one of (sum ?? buckets)?.dataPoints ?? []) {
      points.set(JSON.stringify([resource['service.name'], name, one.attributes]), one);
    }
  }
  return points;
}

test('every point has its exemplars, and is otherwise as the SDK writes it', () => {
  fc.assert(
    fc.property(fc.array(point, { maxLength: 40 }), fc.integer({ min: 1, max: 60 }), (given, maxPoints) => {
      const store = createMetricStore({ temporality: 'cumulative', startUnixNs: 0n });
      const exemplars = new ExemplarStore();
      store.set(level, workload('0'), {}, 1);
      for (const { resource, metric, i, text, exemplars: offered } of given) {
        const [descriptor = counter, on] = [metrics[metric], workload(String(resource))];
        const attributes = { i, text };
        if (descriptor.instrument === 'counter') store.add(descriptor, on, attributes, 1);
        else store.addHistogram(descriptor, on, attributes, { counts: [1, 0, 0, 0], sum: 0 });
        for (const one of offered) exemplars.offer(descriptor, on, attributes, one);
      }
      const collected = store.collect(BigInt(seconds + 1) * 1_000_000_000n);
      const plain = collected.map((part) => ProtobufMetricsSerializer.serializeRequest(part));
      exemplars.attach(collected);
      const expected = new Map<string, readonly Exemplar[]>();
      for (const part of collected) {
        for (const data of part.scopeMetrics.flatMap((scope) => scope.metrics)) {
          for (const one of data.dataPoints as { attributes: object; exemplars?: Exemplar[] }[]) {
            const key = [part.resource.attributes['service.name'], data.descriptor.name, one.attributes];
            expected.set(JSON.stringify(key), one.exemplars ?? []);
          }
        }
      }
      const without = new Map(plain.flatMap((bytes) => [...pointsOf(bytes ?? new Uint8Array())]));
      for (const request of encodeMetrics(collected, { maxBytes: 100_000, maxPoints })) {
        for (const [key, { exemplars: found = [], ...rest }] of pointsOf(request.bytes)) {
          const wanted = expected.get(key) ?? [];
          const { exemplars: _none, ...sdk } = without.get(key) ?? ({} as DecodedPoint);
          assert.deepEqual(rest, sdk);
          assert.deepEqual(
            found.map((e) => [
              e.timeUnixNano,
              Number(e.asInt ?? e.asDouble),
              e.traceId || undefined,
              e.spanId || undefined,
            ]),
            wanted.map((e) => [
              BigInt(seconds) * 1_000_000_000n + BigInt(e.time[1]),
              e.value,
              e.traceId,
              e.spanId,
            ]),
          );
          assert.ok(found.every((e) => (e.asInt === undefined) !== key.includes('test.things')));
          expected.delete(key);
        }
      }
      assert.equal(expected.size, 0);
    }),
    { numRuns: 150 },
  );
});

test('a request without exemplars is left alone', () => {
  const store = createMetricStore({ temporality: 'delta', startUnixNs: 0n });
  store.add(counter, workload('app'), {}, 1);
  const [part] = store.collect(1n);
  assert.ok(part);
  const bytes = ProtobufMetricsSerializer.serializeRequest(part) ?? new Uint8Array();
  assert.equal(encodeExemplars(bytes, part), bytes);
});
