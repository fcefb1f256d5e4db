/** OpenTelemetry for JavaScript as it comes: what it sends to the tap is what the collector gets. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { toReadableSpans } from '../../../receiver/export/span-request.ts';
import { projectFolder } from '../../backends/place.ts';
import { runToEnd } from '../../support/agent.ts';
import { spanOf } from '../../support/items.ts';
import { startOtlpStub, type OtlpStub } from '../../support/otlp-stub.ts';
import { tapOf } from './rig.ts';

const SPANS = 1_000;
const program = join(projectFolder, 'test', 'workloads', 'node-service', 'spans.ts');

const ways = [
  { from: 'grpc', compression: 'none', to: 'grpc' },
  { from: 'grpc', compression: 'gzip', to: 'http/protobuf' },
  { from: 'http/protobuf', compression: 'gzip', to: 'grpc' },
  { from: 'http/json', compression: 'none', to: 'http/protobuf' },
] as const;

for (const { from, compression, to } of ways)
  test(`an application that sends ${from} with compression ${compression}, to a collector over ${to}`, async () => {
    const stub = await startOtlpStub({ protocol: to });
    const tap = await tapOf({ to: { protocol: to, endpoint: stub.url }, maxRequestBytes: 2 ** 20 });
    const port = from === 'grpc' ? tap.ports.grpc : tap.ports.http;
    const env = {
      OTEL_SERVICE_NAME: 'made',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: from,
      OTEL_EXPORTER_OTLP_COMPRESSION: compression,
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'none',
    };
    const { code, stdout, stderr } = await runToEnd(process.execPath, [program, String(SPANS)], { env });
    assert.equal(code, 0, stderr);
    await tap.shutdown(performance.now() + 10_000);
    assert.deepEqual(idsOf(stub, from).sort(), stdout.trim().split('\n').sort());
    const { traces, metrics } = tap.counters();
    const sentTo = stub.requests.filter(({ signal }) => signal === 'traces').length;
    assert.deepEqual([traces.forwarded, traces.received, traces.held], [sentTo, sentTo, 0]);
    assert.ok(metrics.forwarded > 0 && metrics.forwarded === metrics.received);
  });

function idsOf(stub: OtlpStub, from: string): string[] {
  if (from !== 'http/json') return stub.spans().map(({ spanId }) => spanId);
  return stub.requests
    .filter(({ signal }) => signal === 'traces')
    .flatMap(({ bytes }) => [
      ...Buffer.from(bytes)
        .toString()
        .matchAll(/"spanId":"([0-9a-f]{16})"/g),
    ])
    .map(([, spanId = '']) => spanId);
}

test('the bytes of the stock exporter are the same with the tap and without it', async () => {
  const [direct, behind] = [
    await startOtlpStub({ protocol: 'grpc' }),
    await startOtlpStub({ protocol: 'grpc' }),
  ];
  const tap = await tapOf({ to: { endpoint: behind.url } });
  const spans = toReadableSpans(Array.from({ length: 200 }, (_, nth) => spanOf(nth + 1)));
  for (const port of [direct.port, tap.ports.grpc ?? 0]) {
    const exporter = new OTLPTraceExporter({ url: `http://127.0.0.1:${port}` });
    const code = await new Promise((resolve) =>
      exporter.export([...spans], (result) => resolve(result.code)),
    );
    assert.equal(code, ExportResultCode.SUCCESS);
    await exporter.shutdown();
  }
  await behind.until(() => behind.requests.length === 1);
  const [plain, tapped] = [direct, behind].map(({ requests }) => Buffer.from(requests[0]?.bytes ?? []));
  assert.ok(plain !== undefined && plain.length > 10_000);
  assert.deepEqual(tapped, plain);
});
