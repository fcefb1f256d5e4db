/** A collector, or a proxy in front of it, takes requests up to a size of its own: what is in larger ones arrives in parts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { createExporters } from '../../../receiver/export/exporters.ts';
import { exportSettings } from '../../support/export-settings.ts';
import { startOtlpStub, type OtlpStub, type StubReply } from '../../support/otlp-stub.ts';
import { counter, workload } from '../aggregate/descriptors.ts';
import { assertConserved, eventOf, spanOf } from '../../support/items.ts';

const LIMIT = 10_000;
const TOO_LARGE = {
  grpc: {
    kind: 'error',
    code: status.RESOURCE_EXHAUSTED,
    details: 'grpc: received message larger than max (20000 vs. 10000)',
  },
  'http/protobuf': { kind: 'error', code: 413 },
} as const satisfies Record<string, StubReply>;
const FROM_C = {
  kind: 'error',
  code: status.RESOURCE_EXHAUSTED,
  details: 'SERVER: Received message larger than max (20000 vs. 10000)',
} as const;
const AS_400 = { kind: 'error', code: 400, details: 'http: request body too large', plain: true } as const;
const CASES = [
  ['grpc', TOO_LARGE.grpc],
  ['grpc', FROM_C],
  ['http/protobuf', TOO_LARGE['http/protobuf']],
  ['http/protobuf', AS_400],
] as const;

function limited(protocol: 'grpc' | 'http/protobuf', refusal: StubReply, limit = LIMIT): Promise<OtlpStub> {
  return startOtlpStub({
    protocol,
    reply: (_, _nth, { length }) => (length > limit ? refusal : { kind: 'ok' }),
  });
}

for (const [protocol, refusal] of CASES) {
  const words = `${protocol} ${refusal.code} ${'details' in refusal ? refusal.details : ''}`;
  test(`${words}: spans and events arrive once each`, async () => {
    const stub = await limited(protocol, refusal);
    const exporters = createExporters(exportSettings({ protocol, endpoint: stub.url }));
    for (let i = 1; i <= 300; i += 1) {
      exporters.addSpan(spanOf(i));
      exporters.addEvent(eventOf(i));
    }
    await exporters.forceFlush();
    assert.ok(
      stub.requests.some(({ taken }) => !taken),
      'nothing was refused',
    );
    assert.equal(new Set(stub.spans().map(({ spanId }) => spanId)).size, 300);
    assert.equal(stub.spans().length, 300);
    assert.equal(stub.logRecords().length, 300);
    for (const counters of Object.values(exporters.counters())) assertConserved(counters);
    assert.deepEqual([exporters.counters().traces.exported, exporters.counters().logs.exported], [300, 300]);
    await exporters.shutdown(1000);
    await stub.stop();
  });

  test(`${words}: metrics arrive once each`, async () => {
    const stub = await limited(protocol, refusal);
    const exporters = createExporters(exportSettings({ protocol, endpoint: stub.url }));
    const store = createMetricStore({ temporality: 'delta', startUnixNs: 0n });
    for (let i = 0; i < 300; i += 1) store.add(counter, workload(`${i % 3}`), { i, pad: 'x'.repeat(50) }, 1);
    const failed = await exporters.metrics?.export(store.collect(1n), performance.now() + 60_000);
    assert.deepEqual(failed, []);
    assert.ok(
      stub.requests.some(({ taken }) => !taken),
      'nothing was refused',
    );
    const points = stub.metrics().flatMap(({ sum }) => sum?.dataPoints ?? []);
    assert.equal(points.length, 300);
    assert.equal(new Set(points.map(({ attributes }) => JSON.stringify(attributes))).size, 300);
    assertConserved(exporters.counters().metrics);
    assert.equal(exporters.counters().metrics.exported, 300);
    await exporters.shutdown(1000);
    await stub.stop();
  });

  test(`${words}: one item that is too large alone is rejected, with the collector's reason`, async () => {
    const stub = await limited(protocol, refusal, 0);
    const rejections: [number, string][] = [];
    const exporters = createExporters(exportSettings({ protocol, endpoint: stub.url }), {
      onRejected: (_, items, cause) => rejections.push([items, cause]),
    });
    exporters.addSpan(spanOf(1));
    await exporters.forceFlush();
    assert.equal(exporters.counters().traces.dropped.rejected, 1);
    assert.equal(stub.requests.length, 1);
    const reason = 'details' in refusal ? refusal.details : 'HTTP 413';
    assert.ok(rejections[0]?.[1].includes(reason), rejections[0]?.[1]);
    await exporters.shutdown(1000);
    await stub.stop();
  });
}
