/** Network events of servers and the SERVER spans that come later: joined when it is certain, else as they were. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OtlpJoin, type OtlpJoinOptions } from '../../../receiver/correlate/otlp-join.ts';
import type { ServerSpan } from '../../../receiver/model/application-span.ts';
import type { RetransmitRecord, SignalRecord } from '../../../receiver/model/record.ts';
import {
  connection,
  exchange,
  harness,
  owner,
  request,
  retransmit,
  second,
  unixOffset,
} from '../../support/correlation.ts';

const HOLD = 15n * second;
/** A child begins so much after its parent. */
const jitter = 10_000n;
const at = 100n * second;
const wire = request(1, { method: 'http1_window', startSeq: 500, requestStartNs: at - second / 2n });
const answered = retransmit({ role: 'server', context: wire });
const { context: _none, ...unknown } = answered;

function serverSpan(more: Partial<ServerSpan> = {}): ServerSpan {
  return {
    traceId: wire.traceId,
    spanId: '00000000000000aa',
    parentSpanId: wire.spanId,
    startUnixNs: at - second / 4n + unixOffset,
    endUnixNs: at + second + unixOffset,
    pid: 42,
    service: 'shop',
    peerAddress: '192.0.2.9',
    peerPort: 8_080,
    isHttp1: true,
    ...more,
  };
}

function joinOf(more: Partial<OtlpJoinOptions> = {}): {
  join: OtlpJoin;
  out: SignalRecord[];
  clock: { nowNs: bigint };
} {
  const out: SignalRecord[] = [];
  const clock = { nowNs: at + second };
  const join = new OtlpJoin({
    clock: { toUnixNs: (ns) => ns + unixOffset, now: () => clock.nowNs },
    holdNs: HOLD,
    maxHeld: 100,
    netns: 7,
    namesOf: ({ pid }) => ({ pid, service: 'shop' }),
    release: (record) => out.push(record),
    ...more,
  });
  return { join, out, clock };
}

/** What the record left with, after all that was to wait had waited. */
function settled(
  record: RetransmitRecord,
  spans: readonly ServerSpan[],
  exporter = '127.0.0.1',
): RetransmitRecord['context'] {
  const { join, out, clock } = joinOf();
  join.handle(record);
  join.see(spans, exporter);
  clock.nowNs += HOLD + 1n;
  join.tick();
  assert.equal(out.length, 1);
  return (out[0] as RetransmitRecord).context;
}

test('where the wire gave the span that asked, the local SERVER span below it takes its place, at once', () => {
  const { join, out } = joinOf();
  join.handle(answered);
  assert.deepEqual(out, []);
  join.see([serverSpan()], '10.0.0.1');
  const context = {
    ...wire,
    spanId: '00000000000000aa',
    method: 'otlp_server',
    arrivedNs: wire.requestStartNs,
    requestStartNs: at - second / 4n + jitter,
  };
  assert.deepEqual(out, [{ ...answered, context }]);
  join.handle(answered);
  assert.equal(out.length, 2, 'nor does it wait when the span was there before');
  assert.deepEqual(join.counters, { hit: 2, miss: 0, conflict: 0 });
});

test('so it is where the wire gave it by its stream, but not of what a client sent', () => {
  const { join, out } = joinOf();
  const answer = retransmit({ role: 'server', context: { ...wire, method: 'h2_stream' } });
  const asked = retransmit({ role: 'client', context: { ...wire, method: 'h2_header' } });
  join.handle(asked);
  join.handle(answer);
  assert.deepEqual(out, [asked]);
  join.see([serverSpan({ isHttp1: false })], '10.0.0.1');
  assert.equal((out[1] as RetransmitRecord).context?.method, 'otlp_server');
});

test('the span that is made of it is a child of the SERVER span, and says how it was found', () => {
  const { correlator, spans } = harness();
  const { join } = joinOf({ release: (record) => correlator.handle(record) });
  join.handle(answered);
  join.see([serverSpan()], '127.0.0.1');
  correlator.flush();
  const [span] = spans.filter(({ name }) => name.startsWith('tcp retransmit'));
  assert.equal(span?.parentSpanId, '00000000000000aa');
  assert.equal(span.attributes['wirespan.correlation.method'], 'otlp_server');
  assert.equal(span.attributes['wirespan.correlation.confidence'], 'exact');
});

test('an exchange and what it lost are under the SERVER span, whenever each found it, with the times of the wire', () => {
  for (const isLate of [false, true]) {
    const { correlator, spans } = harness();
    let reading = 0n;
    // Two readings of the clocks differ.
    const clock = { toUnixNs: (ns: bigint) => ns + unixOffset + (reading += 3n), now: () => at + second };
    const { join } = joinOf({ clock, release: (record) => correlator.handle(record) });
    const told = { role: 'server', context: wire, firstNs: at - second / 10n, lastNs: at + second } as const;
    const records = [
      { ...answered, isInExchange: true },
      exchange({ ...told, what: 'answered' }),
      exchange(told),
    ];
    join.handle({ ...answered, isInExchange: true, timeNs: at - 7n });
    if (!isLate) join.see([serverSpan()], '127.0.0.1');
    for (const record of records) join.handle(record);
    if (isLate) join.see([serverSpan()], '127.0.0.1');
    correlator.flush();
    const [whole, lost, ...more] = spans;
    assert.deepEqual([whole?.name, lost?.name, more], ['tcp exchange 40000', 'tcp retransmit', []]);
    assert.deepEqual([whole?.parentSpanId, lost?.parentSpanId], ['00000000000000aa', whole?.spanId]);
    assert.equal(whole?.attributes['wirespan.tcp.exchange.time_to_last_byte'], 1.5);
    assert.equal(whole.attributes['wirespan.correlation.method'], 'otlp_server');
    assert.equal(lost?.attributes['wirespan.tcp.retransmit.segments'], 2);
    assert.ok(whole.startUnixNs > serverSpan().startUnixNs);
  }
});

const others: Readonly<Record<string, readonly ServerSpan[]>> = {
  'no span': [],
  'of another process': [serverSpan({ pid: 43 })],
  'of another request': [serverSpan({ parentSpanId: '00000000000000bb' })],
  'of another trace': [serverSpan({ traceId: 'c'.repeat(32) })],
  'of another connection': [serverSpan({ peerPort: 8_081 })],
  'of a process that does not say which it is': [
    (({ pid: _pid, service: _service, ...rest }) => rest)(serverSpan()),
  ],
  'two that fit': [serverSpan(), serverSpan({ spanId: '00000000000000ab' })],
};
for (const [what, spans] of Object.entries(others))
  if (what !== 'two that fit')
    test(`${what}: it leaves as the wire says, when it has waited`, () =>
      assert.deepEqual(settled(answered, spans), wire));

test('two spans that fit, both there before: neither is taken, and it is counted', () => {
  const { join, out, clock } = joinOf();
  join.see(others['two that fit'] ?? [], '127.0.0.1');
  join.handle(answered);
  clock.nowNs += HOLD + 1n;
  join.tick();
  assert.deepEqual(out, [answered]);
  assert.deepEqual(join.counters, { hit: 0, miss: 0, conflict: 1 });
});

test('without a context on the wire: the only HTTP/1 span of the connection in whose time it was', () => {
  const context = settled(unknown, [serverSpan({ parentSpanId: '' })]);
  assert.deepEqual(context, {
    traceId: wire.traceId,
    spanId: '00000000000000aa',
    traceFlags: 1,
    method: 'otlp_server',
    startSeq: 0,
    requestStartNs: at - second / 4n + jitter,
  });
  const early = serverSpan({ spanId: '00000000000000ac', startUnixNs: 0n, endUnixNs: at - 1n + unixOffset });
  assert.equal(settled(unknown, [early, serverSpan()])?.spanId, '00000000000000aa');
});

const untold: Readonly<Record<string, readonly ServerSpan[]>> = {
  'HTTP/2, where others may be served at the same time': [serverSpan({ isHttp1: false })],
  'a span that was over': [serverSpan({ endUnixNs: at - 1n + unixOffset })],
  'a span that began later': [serverSpan({ startUnixNs: at + 1n + unixOffset })],
  'a span that began right before': [serverSpan({ startUnixNs: at - 4_999_999n + unixOffset })],
  'another client': [serverSpan({ peerAddress: '192.0.2.10' })],
  'another process': [serverSpan({ pid: 43 })],
  'two at once, as of a pipeline': [serverSpan(), serverSpan({ spanId: '00000000000000ab' })],
};
for (const [what, spans] of Object.entries(untold))
  test(`without a context on the wire, ${what}: none`, () =>
    assert.equal(settled(unknown, spans), undefined));

test('without a context on the wire: an exporter of another network is none, but for the address of the connection', () => {
  assert.equal(settled({ ...unknown, netns: 8 }, [serverSpan()]), undefined);
  assert.equal(settled(unknown, [serverSpan()], '10.9.9.9'), undefined);
  assert.equal(settled({ ...unknown, netns: 8 }, [serverSpan()], '10.1.2.3')?.spanId, '00000000000000aa');
});

test('a process whose pid cannot be read is known by the name of its service', () => {
  const { join, out } = joinOf({ namesOf: () => ({ service: 'shop' }) });
  join.handle(answered);
  join.see([serverSpan({ service: 'other' })], '127.0.0.1');
  assert.equal(out.length, 0);
  join.see([serverSpan()], '127.0.0.1');
  assert.equal(out.length, 1);
});

test('what has no SERVER span does not wait', () => {
  const { join, out } = joinOf();
  const records = [
    retransmit({ context: request(1) }),
    retransmit({ role: 'client' }),
    retransmit({ role: 'server', type: 'syn_ack' }),
    retransmit({ role: 'server', context: { ...wire, traceFlags: 0 } }),
    retransmit({ role: 'server', context: { ...wire, method: 'sdk_hook' } }),
    connection({ kind: 'accept' }),
    connection(),
  ];
  for (const record of records) join.handle(record);
  assert.deepEqual(out, records);
});

test('the end of a connection does not come before what is held of it', () => {
  const { join, out } = joinOf();
  const [other, close] = [connection({ cookie: 2n }), connection()];
  for (const record of [answered, unknown, close, other]) join.handle(record);
  assert.deepEqual(out, [other]);
  join.flush();
  assert.deepEqual(out, [other, answered, unknown, close]);
  assert.equal(joinOf().join.boundsMet['exported SERVER spans that were forgotten (20,000)'], 0);
});

test('the queue has a bound: the oldest goes on without its span, and is counted', () => {
  const { join, out } = joinOf({ maxHeld: 2 });
  const records = [1, 2, 3].map((nth) => ({ ...unknown, owner: { ...owner, pid: nth } }));
  for (const record of records) join.handle(record);
  assert.deepEqual(out, [records[0]]);
  assert.deepEqual(Object.values(join.boundsMet), [1, 0]);
});
