import assert from 'node:assert/strict';
import { it } from 'node:test';
import { exportOptionsOf } from '../../../receiver/settings/export.ts';
import { load } from '../config/sources.ts';

it('exportOptionsOf gives every signal its own target', () => {
  const { signals } = exportOptionsOf(
    load({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example:4317',
        OTEL_EXPORTER_OTLP_HEADERS: 'tenant=blue',
        OTEL_EXPORTER_OTLP_TIMEOUT: '1500',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
        OTEL_EXPORTER_OTLP_CERTIFICATE: '/etc/ssl/ca.pem',
        OTEL_EXPORTER_OTLP_CLIENT_KEY: '/etc/ssl/client.key',
        OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: '/etc/ssl/client.pem',
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://logs.example:4318/v1/logs',
        OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/protobuf',
      },
    }),
  );
  const general = {
    protocol: 'grpc',
    endpoint: 'https://collector.example:4317',
    headers: { tenant: 'blue' },
    timeoutMs: 1500,
    compression: 'gzip',
    isInsecure: false,
    caFile: '/etc/ssl/ca.pem',
    clientKeyFile: '/etc/ssl/client.key',
    clientCertificateFile: '/etc/ssl/client.pem',
  };
  assert.deepEqual(signals?.metrics, general);
  assert.deepEqual(signals?.traces, general);
  assert.deepEqual(signals?.logs, {
    ...general,
    protocol: 'http/protobuf',
    endpoint: 'http://logs.example:4318/v1/logs',
    isInsecure: true,
  });
});

it('exportOptionsOf names no file where none is set', () => {
  const { signals } = exportOptionsOf(load());
  for (const target of [signals?.metrics, signals?.traces, signals?.logs])
    for (const key of ['caFile', 'clientKeyFile', 'clientCertificateFile'])
      assert.ok(target !== undefined && !(key in target), key);
});

it('exportOptionsOf disables what has the exporter none', () => {
  assert.deepEqual(exportOptionsOf(load()).disabled, []);
  const env = { OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none', OTEL_TRACES_EXPORTER: 'otlp' };
  assert.deepEqual(exportOptionsOf(load({ env })).disabled, ['metrics', 'logs']);
});

it('exportOptionsOf bounds the queue of spans and that of events apart', () => {
  const { queues } = exportOptionsOf(
    load({
      env: {
        OTEL_BSP_MAX_QUEUE_SIZE: '100',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10',
        OTEL_BSP_SCHEDULE_DELAY: '70',
        OTEL_BSP_EXPORT_TIMEOUT: '700',
        OTEL_BLRP_MAX_QUEUE_SIZE: '200',
        OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '20',
        OTEL_BLRP_SCHEDULE_DELAY: '80',
        OTEL_BLRP_EXPORT_TIMEOUT: '800',
      },
    }),
  );
  assert.deepEqual(queues, {
    traces: { capacity: 100, batchSize: 10, scheduleMs: 70, timeoutMs: 700 },
    logs: { capacity: 200, batchSize: 20, scheduleMs: 80, timeoutMs: 800 },
  });
});
