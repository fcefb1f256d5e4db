import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { createExporters } from '../../../receiver/export/exporters.ts';
import { counter, histogram, level, timeCounter } from '../aggregate/descriptors.ts';
import { startOtlpStub } from '../../support/otlp-stub.ts';
import { exportSettings } from '../../support/export-settings.ts';
import { load } from '../config/sources.ts';
import { assertConserved, eventOf, service, spanOf } from '../../support/items.ts';

const startUnixNs = 1_790_000_000_123_456_789n;

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  test(`${protocol}: many resources leave in one metrics request, every value as it was`, async () => {
    const stub = await startOtlpStub({ protocol });
    const exporters = createExporters(exportSettings({ protocol, endpoint: stub.url }));
    const store = createMetricStore({ temporality: 'cumulative', startUnixNs });
    for (const name of ['shop', 'bank', 'host'])
      store.add(counter, service(name), { 'server.port': 443 }, 2 ** 40 + 1);
    store.add(timeCounter, service('host'), { vec: 'NET_RX' }, 3);
    store.set(level, service('host'), {}, -2);
    store.addHistogram(histogram, service('bank'), {}, { counts: [1, 0, 2, 0], sum: 5.5 });
    const failed = await exporters.metrics?.export(store.collect(startUnixNs + 60_000_000_000n), Infinity);
    assert.deepEqual(failed, []);
    assert.equal(stub.requests.length, 1);
    const metrics = stub.metrics();
    assert.deepEqual(
      new Set(metrics.map((m) => m.resource['service.name'])),
      new Set(['shop', 'bank', 'host']),
    );
    const things = metrics.find((m) => m.name === 'test.things' && m.resource['service.name'] === 'shop');
    assert.deepEqual(things?.scope.name, 'wirespan/tcp');
    assert.deepEqual(things?.sum, {
      aggregationTemporality: 2,
      isMonotonic: true,
      dataPoints: [
        {
          attributes: { 'server.port': 443 },
          startTimeUnixNano: startUnixNs,
          timeUnixNano: startUnixNs + 60_000_000_000n,
          asInt: 2n ** 40n + 1n,
        },
      ],
    });
    const time = metrics.find((m) => m.name === 'test.time');
    assert.equal(time?.sum?.dataPoints[0]?.asDouble, 3, 'a double metric stays a double with a whole value');
    assert.equal(time?.scope.name, 'wirespan/softirq');
    const count = metrics.find((m) => m.name === 'test.count');
    assert.deepEqual([count?.sum?.dataPoints[0]?.asInt, count?.sum?.isMonotonic], [-2n, false]);
    const point = metrics.find((m) => m.name === 'test.duration')?.histogram?.dataPoints[0];
    assert.deepEqual(
      [point?.count, point?.sum, point?.bucketCounts, point?.explicitBounds, point?.min, point?.max],
      [3n, 5.5, [1n, 0n, 2n, 0n], [0.25, 1, 4], undefined, undefined],
    );
    await exporters.shutdown(1000);
    await stub.stop();
  });

  test(`${protocol}: spans carry the workload's resource, parent, links and status`, async () => {
    const stub = await startOtlpStub({ protocol });
    const settings = {
      protocol,
      endpoint: stub.url,
      compression: 'gzip',
      headers: { 'x-team': 'net' },
    } as const;
    const exporters = createExporters(exportSettings(settings));
    const link = { traceId: 'ff'.repeat(16), spanId: 'ee'.repeat(8), traceFlags: 1 };
    exporters.addSpan(spanOf(1, { parentSpanId: 'b7ad6b7169203331', failed: true, links: [link] }));
    exporters.addSpan(spanOf(2, { resource: service('bank'), traceFlags: 0 }));
    exporters.addSpan(spanOf(3));
    await exporters.forceFlush();
    const spans = stub.spans();
    assert.equal(stub.requests.length, 1);
    assert.equal(stub.requests[0]?.headers['x-team'], 'net');
    assert.match(stub.requests[0]?.headers['user-agent'] ?? '', /^wirespan\//);
    const [first, third, second] = spans;
    assert.deepEqual(first, {
      resource: { 'service.name': 'shop', 'process.pid': 4711 },
      scope: first?.scope,
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: '0000000000000001',
      parentSpanId: 'b7ad6b7169203331',
      name: 'tcp connect 443',
      kind: 1,
      startTimeUnixNano: 1_790_000_000_123_456_789n,
      endTimeUnixNano: 1_790_000_000_123_999_999n,
      attributes: { 'server.port': 443 },
      links: [{ traceId: 'ff'.repeat(16), spanId: 'ee'.repeat(8), flags: 0x101 }],
      status: { code: 2, message: '' },
      flags: 0x101,
    });
    assert.deepEqual([third?.spanId, third?.parentSpanId, third?.status.code], ['0000000000000003', '', 0]);
    assert.deepEqual([second?.resource['service.name'], second?.flags], ['bank', 0x100]);
    assert.deepEqual(exporters.counters().traces.exported, 3);
    assertConserved(exporters.counters().traces);
    await exporters.shutdown(1000);
    await stub.stop();
  });

  test(`${protocol}: events are log records with name, severity, both times and trace context`, async () => {
    const stub = await startOtlpStub({ protocol });
    const argv = [`--otlp.protocol=${protocol}`, `--otlp.logs.endpoint=${stub.url}/v1/logs`];
    const exporters = createExporters(load({ argv }));
    const context = {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: 1,
      method: 'http1_header',
      confidence: 'exact',
    };
    exporters.addEvent(eventOf(1, { context }));
    exporters.addEvent(eventOf(2));
    await exporters.forceFlush();
    const [one, two] = stub.logRecords();
    assert.deepEqual(one, {
      resource: { 'service.name': 'shop', 'process.pid': 4711 },
      scope: one?.scope,
      timeUnixNano: 1_790_000_000_000_000_002n,
      observedTimeUnixNano: 1_790_000_001_000_000_001n,
      severityNumber: 13,
      severityText: '',
      attributes: { number: 1 },
      flags: 1,
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      eventName: 'wirespan.tcp.retransmit',
    });
    assert.deepEqual([two?.traceId, two?.spanId], ['', '']);
    await exporters.shutdown(1000);
    await stub.stop();
  });
}
