import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExporters } from '../../../receiver/export/exporters.ts';
import { startOtlpStub } from '../../support/otlp-stub.ts';
import { load } from '../config/sources.ts';
import { eventOf, spanOf } from '../../support/items.ts';

test('what the configuration resolves for each signal is what leaves', async () => {
  const [grpc, http] = [
    await startOtlpStub({ protocol: 'grpc' }),
    await startOtlpStub({ protocol: 'http/protobuf' }),
  ];
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:secret@${new URL(grpc.url).host}`,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=blue,x-team=net',
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${http.url}/v1/logs?tenant=blue`,
    OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_LOGS_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'x-team=logs',
    OTEL_METRICS_EXPORTER: 'none',
  };
  const exporters = createExporters(load({ env }));
  // Credentials do not reach messages.
  assert.deepEqual(exporters.origins(), { metrics: undefined, traces: grpc.url, logs: http.url });
  exporters.addSpan(spanOf(1));
  exporters.addEvent(eventOf(1));
  await exporters.forceFlush();
  await exporters.shutdown(1000);
  const [spans, logs] = [grpc.requests, http.requests].map(([request]) => request?.headers);
  const seen = [spans, logs].map((headers) => [headers?.['x-tenant'], headers?.['x-team']]);
  assert.deepEqual(seen, [
    ['blue', 'net'],
    ['blue', 'logs'],
  ]);
  assert.equal(logs?.['content-encoding'], 'gzip');
  assert.deepEqual([grpc.requests.length, http.requests.length], [1, 1]);
  await grpc.stop();
  await http.stop();
});

test('the queues of spans and of events have the bounds of the configuration, apart', async () => {
  const env = { OTEL_BSP_MAX_QUEUE_SIZE: '100', OTEL_BLRP_MAX_QUEUE_SIZE: '200' };
  const exporters = createExporters(load({ env }));
  const { traces, logs } = exporters.queues();
  assert.deepEqual([traces.capacity, logs.capacity], [100, 200]);
  await exporters.shutdown(0);
});

test('a certificate file that cannot be read is named', () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://x:1',
    OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere/ca.pem',
  };
  assert.throws(() => createExporters(load({ env })), {
    message: 'The OTLP trusted certificates file "/nowhere/ca.pem" does not exist: give a readable PEM file.',
  });
});
