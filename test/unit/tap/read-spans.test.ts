/** What is read of spans is what the SDK wrote, in each of its forms; anything else is nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { SpanKind, type Attributes } from '@opentelemetry/api';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import type { ServerSpan } from '../../../receiver/model/application-span.ts';
import { toReadableSpans } from '../../../receiver/export/span-request.ts';
import { readSpans } from '../../../receiver/tap/read-spans.ts';
import { spanOf } from '../../support/items.ts';

const MAX = 2 ** 20;
const parent = 'b7ad6b7169203331';

function spans(kind: SpanKind, attributes: Attributes): ReadableSpan[] {
  const [plain] = toReadableSpans([spanOf(7, { parentSpanId: parent, attributes })]);
  return [{ ...(plain as ReadableSpan), kind }];
}

async function read(given: ReadableSpan[]): Promise<ServerSpan[][]> {
  const protobuf = ProtobufTraceSerializer.serializeRequest(given) ?? new Uint8Array();
  const text = JsonTraceSerializer.serializeRequest(given) ?? new Uint8Array();
  const json = { type: 'application/json', encoding: 'gzip' } as const;
  return Promise.all(
    [
      { bytes: protobuf, items: 1 },
      { bytes: gzipSync(text), items: 1, form: json },
    ].map(async (request) => (await readSpans(request, MAX)) ?? []),
  );
}

const peers: Readonly<Record<string, [Attributes, Partial<ServerSpan>]>> = {
  'the conventions of today': [
    {
      'network.peer.address': '::ffff:192.0.2.1',
      'network.peer.port': 40_000,
      'network.protocol.version': '1.1',
    },
    { peerAddress: '192.0.2.1', peerPort: 40_000, isHttp1: true },
  ],
  'older ones': [
    { 'net.peer.ip': 'fe80:0::1%eth0', 'net.peer.port': 1, 'http.flavor': '1.0' },
    { peerAddress: 'fe80::1', peerPort: 1, isHttp1: true },
  ],
  'HTTP/2': [{ 'network.protocol.version': '2' }, { isHttp1: false }],
  'a name, which no socket has': [
    { 'network.peer.address': 'host.example', 'network.peer.port': 1 },
    { isHttp1: false },
  ],
  'what a proxy said': [{ 'client.address': '192.0.2.1', 'client.port': 1 }, { isHttp1: false }],
};
for (const [what, [attributes, expected]] of Object.entries(peers))
  test(`a SERVER span with ${what}`, async () => {
    const span = {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: '0000000000000007',
      parentSpanId: parent,
      startUnixNs: 1_790_000_000_123_456_789n,
      endUnixNs: 1_790_000_000_123_999_999n,
      pid: 4711,
      service: 'shop',
      ...expected,
    };
    assert.deepEqual(await read(spans(SpanKind.SERVER, attributes)), [[span], [span]]);
  });

test('spans of other kinds are not read', async () => {
  for (const kind of [SpanKind.CLIENT, SpanKind.INTERNAL, SpanKind.PRODUCER])
    assert.deepEqual(await read(spans(kind, {})), [[], []]);
});

test('whatever bytes come, reading them ends, and throws nothing', async () => {
  const whole = Buffer.from(ProtobufTraceSerializer.serializeRequest(spans(SpanKind.SERVER, { a: 1 })) ?? []);
  const cut = fc.integer({ min: 0, max: whole.length }).map((end) => whole.subarray(0, end));
  const changed = fc
    .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 5 })
    .map((changes) => {
      const copy = Buffer.from(whole);
      for (const [at, byte] of changes) copy[at] = byte;
      return copy;
    });
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const form = fc.constantFrom(undefined, { type: 'application/json' } as const);
  await fc.assert(
    fc.asyncProperty(fc.oneof(cut, changed, noise), form, async (bytes, as) => {
      for (const span of (await readSpans({ bytes, items: 1, ...(as && { form: as }) }, MAX)) ?? [])
        assert.match(`${span.traceId}${span.spanId}`, /^[0-9a-f]{48}$/);
    }),
    { numRuns: 500 },
  );
  for (const text of [
    'null',
    '[]',
    '{"resourceSpans":{}}',
    '{"resourceSpans":[null,{"resource":null,"scopeSpans":[{"spans":[{"kind":2,"attributes":[null,{"key":"a","value":null}]}]}]}]}',
  ]) {
    const form = { type: 'application/json' } as const;
    assert.deepEqual((await readSpans({ bytes: Buffer.from(text), items: 1, form }, MAX)) ?? [], [], text);
  }
});
