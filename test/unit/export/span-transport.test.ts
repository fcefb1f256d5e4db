import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { createExporters } from '../../../receiver/export/exporters.ts';
import { toReadableSpans } from '../../../receiver/export/span-request.ts';
import { createSpanTransport } from '../../../receiver/export/span-transport.ts';
import { exportSettings, signalTarget } from '../../support/export-settings.ts';
import { startOtlpStub } from '../../support/otlp-stub.ts';
import { assertConserved, spanOf } from '../../support/items.ts';

test('spans over gRPC leave through the OTLPTraceExporter, one request after the other', async (t) => {
  const exported = t.mock.method(OTLPTraceExporter.prototype, 'export');
  const stub = await startOtlpStub({ protocol: 'grpc' });
  const exporters = createExporters(exportSettings({ endpoint: stub.url }));
  exporters.addSpan(spanOf(1));
  await exporters.forceFlush();
  exporters.addSpan(spanOf(2));
  await exporters.forceFlush();
  await exporters.shutdown(1000);
  assert.equal(exported.mock.callCount(), 2);
  assert.deepEqual(
    exported.mock.calls.map(({ arguments: [spans] }) =>
      spans.map((s) => s.resource.attributes['service.name']),
    ),
    [['shop'], ['shop']],
  );
  assert.equal(new Set(exported.mock.calls.map((call) => call.this)).size, 1, 'a working connection is kept');
  assert.equal(stub.spans().length, 2);
});

test('spans over gRPC take no setting from the environment, and leave it as it was', async (t) => {
  const variables = {
    OTEL_EXPORTER_OTLP_HEADERS: 'x-secret=1',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-other=2',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_TIMEOUT: '1',
  };
  Object.assign(process.env, variables);
  t.after(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
  });
  const stub = await startOtlpStub({ protocol: 'grpc' });
  const exporters = createExporters(exportSettings({ endpoint: stub.url, headers: { 'x-team': 'net' } }));
  exporters.addSpan(spanOf(1));
  await exporters.forceFlush();
  await exporters.shutdown(1000);
  const headers = stub.requests[0]?.headers;
  assert.deepEqual(
    [headers?.['x-team'], headers?.['x-secret'], headers?.['x-other'], headers?.['grpc-encoding']],
    ['net', undefined, undefined, undefined],
  );
  for (const [name, value] of Object.entries(variables)) assert.equal(process.env[name], value);
});

test('a collector that comes back is reached by the next attempt', async (t) => {
  const absent = await startOtlpStub({ protocol: 'grpc' });
  await absent.stop();
  const transport = createSpanTransport(signalTarget('traces', { endpoint: absent.url }));
  t.after(() => transport.close());
  const spans = toReadableSpans([spanOf(1)]);
  for (let attempt = 1; attempt <= 3; attempt += 1)
    assert.equal((await transport.send(spans)).status, 'retry');
  const stub = await startOtlpStub({ protocol: 'grpc', port: absent.port });
  // The channel of the failed attempts would wait for another second.
  assert.equal((await transport.send(spans)).status, 'taken');
  assert.equal(stub.spans().length, 1);
  // Without a name of its own the new channel would share the old connection and its wait.
  assert.match(stub.requests[0]?.headers['user-agent'] ?? '', /^wirespan\/\S+ \(connection 4\) /);
});

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  test(`${protocol}: spans that cannot be encoded are counted, and no word on the collector`, async () => {
    const stub = await startOtlpStub({ protocol });
    const states: string[] = [];
    const rejections: string[] = [];
    const exporters = createExporters(exportSettings({ protocol, endpoint: stub.url }), {
      onState: (state) => states.push(state),
      onRejected: (signal, items, cause) => rejections.push(`${signal} ${items} ${cause}`),
    });
    const attributes = {
      get bad(): string {
        throw new Error('no value');
      },
    };
    exporters.addSpan(spanOf(1, { attributes }));
    await exporters.forceFlush();
    exporters.addSpan(spanOf(2));
    await exporters.forceFlush();
    await exporters.shutdown(1000);
    const { traces } = exporters.counters();
    assert.deepEqual([traces.dropped.encode_error, traces.exported], [1, 1]);
    assertConserved(traces);
    assert.deepEqual(rejections, ['traces 1 cannot be encoded: Error: no value']);
    assert.deepEqual(states, []);
  });
}
