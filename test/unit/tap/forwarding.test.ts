import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startOtlpStub } from '../../support/otlp-stub.ts';
import { opaqueRequest, sendGrpc, sendHttp, tapOf } from './rig.ts';

const signals = ['traces', 'metrics', 'logs'] as const;
const json = { 'content-type': 'application/json; charset=utf-8' };

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  test(`to ${protocol}: all signals leave as the bytes that came, by gRPC and HTTP, compressed or not`, async () => {
    const stub = await startOtlpStub({ protocol });
    const tap = await tapOf({ to: { protocol, endpoint: stub.url, headers: { key: 'value' } } });
    const { grpc = 0, http = 0 } = tap.ports;
    for (const signal of signals) {
      const ways = [1, 2, 3, 4].map((nth) => opaqueRequest(300 * nth));
      const [plain = '', zipped = '', posted = '', postedZipped = ''] = ways;
      assert.equal((await sendGrpc(grpc, signal, Buffer.from(plain))).code, 0);
      assert.equal((await sendGrpc(grpc, signal, Buffer.from(zipped), true)).code, 0);
      const path = `/v1/${signal}`;
      assert.deepEqual(await sendHttp(http, path, posted), { code: 200, said: '', retryAfter: undefined });
      const body = gzipSync(postedZipped);
      assert.equal((await sendHttp(http, path, body, { 'content-encoding': 'gzip' })).code, 200);
      const came = (): Buffer[] =>
        stub.requests.filter((r) => r.signal === signal).map((r) => Buffer.from(r.bytes));
      await stub.until(() => came().length === ways.length);
      assert.deepEqual(came().sort(Buffer.compare), ways.sort(Buffer.compare));
    }
    assert.ok(stub.requests.every(({ headers }) => headers['key'] === 'value'));
    await tap.shutdown(performance.now() + 5000);
    for (const counters of Object.values(tap.counters()))
      assert.deepEqual([counters.received, counters.forwarded, counters.held], [4, 4, 0]);
  });
}

test('over HTTP the body is the very one, with its type and its encoding, JSON too', async () => {
  const stub = await startOtlpStub({ protocol: 'http/protobuf' });
  const tap = await tapOf({ to: { protocol: 'http/protobuf', endpoint: stub.url, compression: 'gzip' } });
  const text = JSON.stringify({ resourceSpans: [{ unknown: '\u00fc', spans: 1.5e300 }] });
  assert.equal((await sendHttp(tap.ports.http ?? 0, '/v1/traces', text, json)).said, '{}');
  await stub.until(() => stub.requests.length === 1);
  const encoded = { ...json, 'content-encoding': 'gzip' };
  await sendHttp(tap.ports.http ?? 0, '/v1/traces', gzipSync(text), encoded);
  await stub.until(() => stub.requests.length === 2);
  assert.deepEqual(
    stub.requests.map(({ headers, bytes }) => [
      headers['content-type'],
      headers['content-encoding'],
      Buffer.from(bytes).toString(),
    ]),
    [
      ['application/json', undefined, text],
      ['application/json', 'gzip', text],
    ],
  );
});

test('what the collector does not take of a request in JSON is counted', async () => {
  const { createServer } = await import('node:http');
  const collector = createServer((request, response) => {
    request.resume();
    response.setHeader('content-type', 'application/json');
    response.end('{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no room"}}');
  });
  await new Promise<void>((resolve) => void collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as { port: number };
  const told: unknown[] = [];
  const to = { protocol: 'http/protobuf', endpoint: `http://127.0.0.1:${port}` } as const;
  const tap = await tapOf({ to }, { onRejected: (...rejection) => told.push(rejection) });
  await sendHttp(tap.ports.http ?? 0, '/v1/traces', '{}', json);
  await tap.shutdown(performance.now() + 5000);
  collector.close();
  const { forwarded, rejectedItems } = tap.counters().traces;
  assert.deepEqual([forwarded, rejectedItems, told], [1, 3, [['traces', 3, 'no room']]]);
});
