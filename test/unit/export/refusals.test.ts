/** Answers that are no success: which are sent again, which are counted, and what is said of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import type { OtlpProtocol } from '../../../receiver/export/options.ts';
import { startOtlpStub, type StubReply } from '../../support/otlp-stub.ts';
import { addSpans, watch } from './watched.ts';
import { assertConserved } from '../../support/items.ts';

interface Fault {
  name: string;
  protocol: OtlpProtocol;
  reply: StubReply;
  isRetried: boolean;
}

const faults: Fault[] = [
  { name: '400', protocol: 'http/protobuf', reply: { kind: 'error', code: 400 }, isRetried: false },
  { name: '401', protocol: 'http/protobuf', reply: { kind: 'error', code: 401 }, isRetried: false },
  {
    name: '503',
    protocol: 'http/protobuf',
    reply: { kind: 'error', code: 503, retryAfterMs: 1000 },
    isRetried: true,
  },
  { name: 'a web page', protocol: 'http/protobuf', reply: { kind: 'web page' }, isRetried: true },
  { name: '429', protocol: 'http/protobuf', reply: { kind: 'error', code: 429 }, isRetried: true },
  {
    name: 'INVALID_ARGUMENT',
    protocol: 'grpc',
    reply: { kind: 'error', code: status.INVALID_ARGUMENT },
    isRetried: false,
  },
  {
    name: 'UNAUTHENTICATED',
    protocol: 'grpc',
    reply: { kind: 'error', code: status.UNAUTHENTICATED },
    isRetried: false,
  },
  {
    name: 'UNAVAILABLE',
    protocol: 'grpc',
    reply: { kind: 'error', code: status.UNAVAILABLE },
    isRetried: true,
  },
  { name: 'ABORTED', protocol: 'grpc', reply: { kind: 'error', code: status.ABORTED }, isRetried: true },
  {
    name: 'RESOURCE_EXHAUSTED without RetryInfo',
    protocol: 'grpc',
    reply: { kind: 'error', code: status.RESOURCE_EXHAUSTED },
    isRetried: false,
  },
  {
    name: 'RESOURCE_EXHAUSTED with RetryInfo',
    protocol: 'grpc',
    reply: { kind: 'error', code: status.RESOURCE_EXHAUSTED, retryAfterMs: 30 },
    isRetried: true,
  },
];

for (const { name, protocol, reply, isRetried } of faults) {
  test(`${protocol} ${name}: ${isRetried ? 'sent again' : 'counted as rejected'}`, async () => {
    const stub = await startOtlpStub({ protocol, reply: (_, nth) => (nth === 0 ? reply : { kind: 'ok' }) });
    const { exporters, rejections } = watch({ protocol, endpoint: stub.url });
    addSpans(exporters, 5);
    await exporters.forceFlush();
    const { exported, dropped } = exporters.counters().traces;
    assert.deepEqual([exported, dropped.rejected, stub.requests.length], isRetried ? [5, 0, 2] : [0, 5, 1]);
    assert.equal(rejections.length, isRetried ? 0 : 1);
    addSpans(exporters, 2);
    await exporters.forceFlush();
    assert.equal(exporters.counters().traces.exported, exported + 2, 'later batches go on');
    assertConserved(exporters.counters().traces);
    await exporters.shutdown(1000);
    await stub.stop();
  });
}

const REASONS: readonly [string, StubReply, string][] = [
  ['a web page', { kind: 'web page' }, 'HTTP 200 OK with text/html: a web page, not a collector'],
  [
    'a status',
    { kind: 'error', code: 503, details: 'queue is full' },
    'HTTP 503 Service Unavailable: queue is full',
  ],
  [
    'plain text',
    { kind: 'error', code: 429, details: 'slow down', plain: true },
    'HTTP 429 Too Many Requests: slow down',
  ],
  ['nothing', { kind: 'error', code: 502 }, 'HTTP 502 Bad Gateway'],
];

for (const [what, reply, cause] of REASONS)
  test(`http/protobuf: the log says what the collector said: ${what}`, async () => {
    const stub = await startOtlpStub({
      protocol: 'http/protobuf',
      reply: (_, nth) => (nth === 0 ? reply : { kind: 'ok' }),
    });
    const { exporters, causes } = watch({ protocol: 'http/protobuf', endpoint: stub.url });
    addSpans(exporters, 1);
    await exporters.forceFlush();
    assert.equal(causes[0], cause);
    assert.equal(exporters.counters().traces.exported, 1);
    await exporters.shutdown(1000);
    await stub.stop();
  });
