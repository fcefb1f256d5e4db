import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ListenError } from '../../../receiver/serve/listen.ts';
import { startOtlpStub } from '../../support/otlp-stub.ts';
import { opaqueRequest, sendGrpc, sendHttp, tapOf } from './rig.ts';

const json = { 'content-type': 'application/json' };
const gzip = { 'content-encoding': 'gzip' };

test('what is too large is refused for good, over each transport, compressed or not, and counted', async () => {
  const stub = await startOtlpStub({ protocol: 'grpc' });
  const tap = await tapOf({ to: { endpoint: stub.url }, maxRequestBytes: 1024 });
  const { grpc = 0, http = 0 } = tap.ports;
  const zeros = Buffer.alloc(100_000);
  assert.equal((await sendGrpc(grpc, 'logs', opaqueRequest(1100))).code, 8);
  assert.equal((await sendGrpc(grpc, 'logs', zeros, true)).code, 8);
  assert.equal((await sendHttp(http, '/v1/logs', opaqueRequest(1100))).code, 413);
  assert.equal(
    (await sendHttp(http, '/v1/logs', opaqueRequest(1100), { 'transfer-encoding': 'chunked' })).code,
    413,
  );
  assert.equal((await sendHttp(http, '/v1/logs', gzipSync(zeros), gzip)).code, 413);
  assert.equal((await sendGrpc(grpc, 'logs', opaqueRequest(1000))).code, 0);
  await stub.until(() => stub.requests.length === 1);
  assert.equal(tap.counters().logs.failed.too_large, 5);
});

test('what no collector takes is refused with a sentence', async () => {
  const stub = await startOtlpStub({ protocol: 'grpc' });
  const told: [string, number, string][] = [];
  const tap = await tapOf({ to: { endpoint: stub.url } }, { onRefused: (...refusal) => told.push(refusal) });
  const { http = 0 } = tap.ports;
  assert.deepEqual((await sendHttp(http, '/v2/traces', '')).code, 404);
  assert.deepEqual((await sendHttp(http, '/v1/traces', '', { method: 'GET' })).code, 405);
  const asText = await sendHttp(http, '/v1/traces', 'x', { 'content-type': 'text/plain' });
  assert.equal(asText.code, 415);
  assert.match(asText.said, /application\/x-protobuf/);
  const asJson = await sendHttp(http, '/v1/traces', '{}', json);
  assert.match(
    asJson.said,
    /^\{"message":"wirespan: OTLP in JSON cannot be sent on over gRPC: .*otlp\.protocol/,
  );
  assert.equal((await sendHttp(http, '/v1/traces', 'x', gzip)).code, 415);
  assert.equal((await sendHttp(http, '/v1/traces', 'x', { 'content-encoding': 'br' })).code, 415);
  assert.equal(tap.counters().traces.failed.unsupported, 4);
  await tap.shutdown(0);
  assert.deepEqual(
    told.map(([signal, count]) => [signal, count]),
    [
      ['traces', 1],
      ['traces', 3],
    ],
  );
});

for (const protocol of ['grpc', 'http/protobuf'] as const)
  test(`${protocol}: a request that comes back by another way is not sent again`, async () => {
    // An endpoint that is the tap by way of a forwarder which no configuration shows.
    const way = createServer((socket) => {
      const target = connect(
        protocol === 'grpc' ? (tap.ports.grpc ?? 0) : (tap.ports.http ?? 0),
        '127.0.0.1',
      );
      for (const end of [socket, target]) end.on('error', () => undefined);
      socket.pipe(target).pipe(socket);
    });
    await new Promise<void>((resolve) => void way.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(way.address() as AddressInfo).port}`;
    const told: string[] = [];
    const onRefused = (_signal: unknown, _count: number, cause: string): void => void told.push(cause);
    const tap = await tapOf({ to: { protocol, endpoint } }, { onRefused });
    assert.equal((await sendGrpc(tap.ports.grpc ?? 0, 'traces', opaqueRequest(9))).code, 0);
    while (tap.counters().traces.failed.rejected === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    way.close();
    await tap.shutdown(0);
    const { received, forwarded, failed } = tap.counters().traces;
    assert.deepEqual([received, forwarded, failed.loop, failed.rejected], [2, 0, 1, 1]);
    assert.match(told[0] ?? '', /leads back to its tap/);
  });

test('more connections than the bound are closed and counted', async () => {
  const tap = await tapOf({ to: {}, maxConnections: 2 });
  const { grpc = 0, http = 0 } = tap.ports;
  for (const port of [grpc, http]) {
    const sockets = [1, 2, 3, 4].map(() => connect(port, '127.0.0.1'));
    const closed = sockets.map(
      (socket) =>
        new Promise<boolean>((resolve) => {
          socket.on('error', () => undefined);
          socket.on('close', () => resolve(true));
          socket.resume();
        }),
    );
    await Promise.race([closed[2], closed[3]]);
    while (tap.refusedConnections() % 2 !== 0 || tap.refusedConnections() === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    for (const socket of sockets) socket.destroy();
  }
  assert.equal(tap.refusedConnections(), 4);
});

test('a port that is taken, or an address that is not here, is said in a sentence', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  for (const transport of ['grpc', 'http'] as const) {
    await assert.rejects(tapOf({ to: {}, [transport]: { host: '127.0.0.1', port } }), (error) => {
      assert.ok(error instanceof ListenError && error.exitCode === 2);
      const said = `The OTLP tap cannot listen at 127.0.0.1:${port} (correlation.otlp_tap.${transport}): another program`;
      return error.message.startsWith(said);
    });
    await assert.rejects(
      tapOf({ to: {}, [transport]: { host: '192.0.2.1', port: 4317 } }),
      /192\.0\.2\.1:4317 .*does not have the address/,
    );
  }
  other.close();
});
