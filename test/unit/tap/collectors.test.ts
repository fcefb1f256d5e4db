import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdPort } from '../../support/held-port.ts';
import { startOtlpStub, type StubReply } from '../../support/otlp-stub.ts';
import { opaqueRequest, sendGrpc, sendHttp, tapOf, type Sent } from './rig.ts';

const UNAVAILABLE = 14;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  test(`${protocol}: absent: what fits the bound is kept and sent once there is a collector, the rest is told to try again`, async () => {
    const { port, release } = await holdPort();
    const states: string[] = [];
    const to = { protocol, endpoint: `http://127.0.0.1:${port}` };
    const tap = await tapOf({ to, queueSize: 10 }, { onState: (state) => states.push(state) });
    const { grpc = 0, http = 0 } = tap.ports;
    const sent = Array.from({ length: 24 }, (_, nth) => opaqueRequest(100 + nth));
    const answers: [Buffer, Sent][] = [];
    for (const [nth, bytes] of sent.entries()) {
      const over = nth % 2 === 0 ? sendGrpc(grpc, 'traces', bytes) : sendHttp(http, '/v1/traces', bytes);
      answers.push([bytes, await over]);
    }
    const taken = answers.filter(([, { code }]) => code === 0 || code === 200).map(([bytes]) => bytes);
    const refused = answers.filter(([bytes]) => !taken.includes(bytes)).map(([, answer]) => answer);
    assert.equal(taken.length, 10);
    assert.ok(refused.every(({ code }) => code === UNAVAILABLE || code === 503));
    assert.ok(refused.every(({ code, retryAfter }) => code !== 503 || retryAfter === '1'));
    assert.match(refused[0]?.said ?? '', /too much waits for the collector/);
    assert.equal(tap.counters().traces.failed.queue_full, refused.length);
    assert.equal(tap.held().requests, 10);
    while (states.length === 0) await pause(5);
    release();
    const stub = await startOtlpStub({ protocol, port });
    await stub.until(() => stub.requests.length >= 10);
    await tap.shutdown(performance.now() + 5000);
    const came = stub.requests.map(({ bytes }) => Buffer.from(bytes)).sort(Buffer.compare);
    assert.deepEqual(came, taken.sort(Buffer.compare));
    assert.equal(states.at(-1), 'reachable');
    const { received, forwarded, held } = tap.counters().traces;
    assert.deepEqual([received, forwarded, held], [24, 10, 0]);
  });

  test(`${protocol}: slow and refusing: every request has one end, and the sums say which`, async () => {
    const [busy, bad] = protocol === 'grpc' ? [UNAVAILABLE, 3] : [503, 400];
    const replies: StubReply[] = [
      { kind: 'error', code: busy, retryAfterMs: 40 },
      { kind: 'error', code: bad, details: 'no' },
      { kind: 'ok', rejected: 2, message: 'two of them' },
      { kind: 'ok' },
    ];
    const stub = await startOtlpStub({
      protocol,
      reply: async (_, nth) => {
        await pause(20);
        return replies[nth % replies.length] ?? { kind: 'ok' };
      },
    });
    const tap = await tapOf({ to: { protocol, endpoint: stub.url }, queueSize: 8 });
    const { grpc = 0 } = tap.ports;
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, nth) => sendGrpc(grpc, 'logs', opaqueRequest(100 + nth))),
    );
    await tap.shutdown(performance.now() + 20_000);
    const { received, forwarded, failed, held, rejectedItems } = tap.counters().logs;
    const retried = answers.filter(({ code }) => code === UNAVAILABLE).length;
    const taken = stub.requests.filter((request) => request.taken).length;
    assert.equal(received, 40);
    assert.equal(failed.queue_full, retried);
    assert.equal(forwarded, taken);
    assert.equal(forwarded + failed.rejected + retried, 40);
    assert.ok(failed.rejected > 0 && retried > 0 && rejectedItems > 0 && held === 0);
    assert.equal(tap.held().bytes, 0);
  });
}

test('bytes have a bound as well as requests, and those of a body that still comes count', async () => {
  const to = { endpoint: `http://127.0.0.1:${(await holdPort()).port}` };
  const tap = await tapOf({ to, queueBytes: 4096 });
  const { grpc = 0, http = 0 } = tap.ports;
  assert.equal((await sendGrpc(grpc, 'metrics', opaqueRequest(3000))).code, 0);
  assert.equal((await sendHttp(http, '/v1/metrics', opaqueRequest(3000))).code, 503);
  assert.equal((await sendHttp(http, '/v1/metrics', opaqueRequest(500))).code, 200);
  assert.equal(tap.held().bytes, 3003 + 503);
});

test('what is not taken in time is dropped and counted', async () => {
  const told: string[] = [];
  const to = { endpoint: `http://127.0.0.1:${(await holdPort()).port}` };
  const onRejected = (_signal: unknown, _count: number, cause: string): void => void told.push(cause);
  const tap = await tapOf({ to, timeoutMs: 30 }, { onRejected });
  await sendGrpc(tap.ports.grpc ?? 0, 'traces', opaqueRequest(10));
  while (tap.counters().traces.held > 0) await pause(5);
  assert.equal(tap.counters().traces.failed.retry_expired, 1);
  assert.match(told[0] ?? '', /nothing listens/);
});

test('the stop sends what is held, tells others to try again, and counts what found no time', async () => {
  const stub = await startOtlpStub({ protocol: 'grpc', reply: () => pause(30).then(() => ({ kind: 'ok' })) });
  const tap = await tapOf({ to: { endpoint: stub.url } });
  const { grpc = 0, http = 0 } = tap.ports;
  for (let nth = 0; nth < 20; nth += 1) await sendGrpc(grpc, 'traces', opaqueRequest(50));
  const drained = tap.shutdown(performance.now() + 10_000);
  await assert.rejects(sendHttp(http, '/v1/traces', opaqueRequest(1)), /ECONNREFUSED/);
  await drained;
  assert.equal(stub.requests.length, 20);

  const silent = await startOtlpStub({ protocol: 'http/protobuf', reply: () => ({ kind: 'silence' }) });
  const cut = await tapOf({ to: { protocol: 'http/protobuf', endpoint: silent.url } });
  for (let nth = 0; nth < 6; nth += 1) await sendGrpc(cut.ports.grpc ?? 0, 'traces', opaqueRequest(50));
  await cut.shutdown(performance.now() + 50);
  const { received, failed, held } = cut.counters().traces;
  assert.deepEqual([received, failed.already_shutdown, held], [6, 6, 0]);
});
