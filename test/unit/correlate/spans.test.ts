import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkSpan } from '../../../receiver/model/event.ts';
import type { KernelRecord } from '../../../receiver/model/record.ts';
import { SPANS, type SpanMode } from '../../../semconv/index.ts';
import { connection, harness, request, retransmit, second, unixOffset } from '../../support/correlation.ts';

const always: Record<string, SpanMode> = {
  'wirespan.tcp.connect': 'always',
  'wirespan.tcp.accept': 'always',
  'wirespan.tcp.connection': 'always',
};

/** Spans after a flush. */
function spansOf(records: KernelRecord[], spans: Record<string, SpanMode> = {}): NetworkSpan[] {
  const subject = harness({ spans });
  for (const record of records) subject.correlator.handle(record);
  subject.correlator.flush();
  return subject.spans;
}

function checkAttributes(span: NetworkSpan | undefined, type: string): void {
  assert.ok(span);
  const uses = SPANS.find((descriptor) => descriptor.type === type)?.attributes ?? [];
  const registered = new Set(uses.map(({ key }) => key));
  for (const key of Object.keys(span.attributes)) assert.ok(registered.has(key), `${key} is not on ${type}`);
  for (const { key, level } of uses) if (level === 'required') assert.ok(key in span.attributes, key);
}

test('retransmissions of one request are one span under it, from its first byte to the last of them', () => {
  const context = request();
  const [span, ...rest] = spansOf([
    retransmit({ type: 'tail_loss_probe', context }),
    retransmit({ timeNs: 100n * second + 300n, segments: 4, type: 'timeout', context }),
  ]);
  assert.equal(rest.length, 0);
  assert.equal(span?.name, 'tcp retransmit');
  assert.equal(span.traceId, context.traceId);
  assert.equal(span.parentSpanId, context.spanId);
  assert.match(span.spanId, /^[0-9a-f]{16}$/);
  assert.notEqual(span.spanId, context.spanId);
  assert.equal(span.startUnixNs, context.requestStartNs + unixOffset);
  assert.equal(span.endUnixNs, 100n * second + 300n + unixOffset);
  assert.equal(span.attributes['wirespan.tcp.retransmit.segments'], 5);
  assert.equal(span.attributes['wirespan.tcp.retransmit.type'], 'tail_loss_probe');
  assert.equal(span.failed, false);
  checkAttributes(span, 'wirespan.tcp.retransmit');
});

test('requests interleaved on one and on several sockets never mix', () => {
  const records: KernelRecord[] = [];
  for (let round = 0n; round < 5n; round += 1n) {
    for (let number = 1; number <= 6; number += 1) {
      const cookie = BigInt(number % 3);
      const startSeq = 1_000 * number;
      const context = request(number, { startSeq });
      records.push(
        retransmit({ cookie, seq: startSeq, endSeq: startSeq + 500, timeNs: 100n * second + round, context }),
      );
    }
  }
  const spans = spansOf(records);
  assert.equal(spans.length, 6);
  for (const [index, span] of spans.entries()) {
    const { traceId, spanId } = request(index + 1);
    assert.deepEqual([span.traceId, span.parentSpanId], [traceId, spanId]);
    assert.equal(span.attributes['wirespan.tcp.retransmit.segments'], 5);
  }
});

test('one span that asks twice on a connection has two episodes', () => {
  const spans = spansOf([
    retransmit({ context: request(1, { startSeq: 1_000 }) }),
    retransmit({ seq: 5_000, endSeq: 6_000, context: request(1, { startSeq: 5_000 }) }),
  ]);
  assert.equal(spans.length, 2);
});

test('an unsampled request has no span, nor a link', () => {
  const context = request(1, { traceFlags: 0 });
  const records = [
    connection({ kind: 'open' }),
    connection({ kind: 'handshake', context }),
    retransmit({ context }),
    connection({ kind: 'accept', acceptedNs: 92n * second, context }),
    connection({ context }),
  ];
  assert.deepEqual(spansOf(records), []);
  for (const span of spansOf(records, always)) {
    assert.notEqual(span.traceId, context.traceId);
    assert.equal(span.parentSpanId, undefined);
    for (const link of span.links) assert.notEqual(link.traceId, context.traceId);
  }
  assert.equal(spansOf(records, always).filter(({ name }) => name.startsWith('tcp connect ')).length, 0);
});

test('no context: no span', () => {
  assert.deepEqual(spansOf([connection({ kind: 'open' }), retransmit(), connection()]), []);
});

test('stale and invalid contexts give no span and are counted', () => {
  const subject = harness();
  subject.correlator.handle(retransmit({ context: request(1, { startSeq: 9_000 }) }));
  subject.correlator.handle(retransmit({ context: request(1, { spanId: '0'.repeat(16) }) }));
  subject.correlator.handle(retransmit());
  subject.correlator.handle(retransmit({ context: request() }));
  subject.correlator.flush();
  assert.equal(subject.spans.length, 1);
  assert.deepEqual(subject.correlator.counters.lookups, { hit: 1, miss: 1, stale: 1, invalid: 1 });
});

test('an episode ends with its connection, with time, and only once', () => {
  const subject = harness();
  subject.correlator.handle(retransmit({ context: request() }));
  subject.correlator.tick(101n * second - 1n);
  assert.equal(subject.spans.length, 0);
  subject.correlator.handle(connection());
  assert.equal(subject.spans.length, 1);
  subject.correlator.handle(retransmit({ cookie: 2n, context: request() }));
  subject.correlator.tick(101n * second);
  subject.correlator.flush();
  assert.equal(subject.spans.length, 2);
});

test('retransmit spans can be switched off; their events stay', () => {
  const subject = harness({ spans: { 'wirespan.tcp.retransmit': 'off' } });
  subject.correlator.handle(retransmit({ context: request() }));
  subject.correlator.flush();
  assert.deepEqual([subject.spans.length, subject.events.length], [0, 1]);
});

test('the handshake that a request caused is a span under it', () => {
  const context = request();
  const [span, ...rest] = spansOf([connection({ kind: 'open' }), connection({ kind: 'handshake', context })]);
  assert.equal(rest.length, 0);
  assert.equal(span?.name, 'tcp connect 8080');
  assert.deepEqual([span.traceId, span.parentSpanId], [context.traceId, context.spanId]);
  assert.equal(span.startUnixNs, 90n * second + unixOffset);
  assert.equal(span.endUnixNs, 91n * second + unixOffset);
  assert.equal(span.attributes['wirespan.tcp.syn_retransmits'], 2);
  checkAttributes(span, 'wirespan.tcp.connect');
});

test('without a known port the name is bare', () => {
  const { role: _role, ...unknown } = connection({ kind: 'handshake', context: request() });
  assert.equal(spansOf([unknown])[0]?.name, 'tcp connect');
});

test('a handshake whose start was not seen has no span', () => {
  assert.deepEqual(
    spansOf([connection({ kind: 'handshake', handshakeStartNs: 0n, context: request() })]),
    [],
  );
});

test('when every handshake has a span, it is one and has the parent that turns up in time', () => {
  const connects = { 'wirespan.tcp.connect': 'always' } as const;
  const context = request();
  const open = connection({ kind: 'open' });
  const handshake = connection({ kind: 'handshake', context });
  assert.deepEqual(
    spansOf([open, handshake], connects).map(({ parentSpanId }) => parentSpanId),
    [context.spanId],
  );
  for (const records of [[open], [open, connection()]]) {
    const [span, ...rest] = spansOf(records, connects);
    assert.equal(rest.length, 0);
    assert.equal(span?.name, 'tcp connect 8080');
    assert.equal(span.parentSpanId, undefined);
    assert.equal(span.traceFlags, 0b11);
  }
  const subject = harness({ spans: connects });
  subject.correlator.handle(open);
  subject.correlator.tick(101n * second);
  assert.equal(subject.spans.length, 1);
  assert.deepEqual(spansOf([connection({ kind: 'open', preexisting: true })], connects), []);
});

test('a failed attempt has a span only when every handshake has one', () => {
  const fail = connection({ kind: 'fail', error: 'connection_refused', establishedNs: 0n });
  assert.deepEqual(spansOf([fail]), []);
  const [span] = spansOf([fail], always);
  assert.equal(span?.failed, true);
  assert.equal(span.attributes['error.type'], 'connection_refused');
  assert.equal(span.endUnixNs - span.startUnixNs, 10n * second);
  assert.deepEqual(spansOf([connection({ kind: 'fail', error: 'cancelled' })], always), []);
  assert.deepEqual(spansOf([connection({ kind: 'fail', error: 'timed_out', role: 'server' })], always), []);
});

test('a failed attempt of an unsampled request has no span', () => {
  const context = request(1, { traceFlags: 0 });
  assert.deepEqual(spansOf([connection({ kind: 'fail', error: 'timed_out', context })], always), []);
});

test('the event of a failed attempt points at the span of it', () => {
  const subject = harness({ spans: always });
  subject.correlator.handle(connection({ kind: 'fail', error: 'timed_out' }));
  const [event] = subject.events;
  assert.equal(event?.context?.spanId, subject.spans[0]?.spanId);
  assert.equal('wirespan.correlation.method' in (event?.attributes ?? {}), false);
});

test('an accept span is a root from the SYN-ACK to accept()', () => {
  const accept = connection({ kind: 'accept', role: 'server', acceptedNs: 93n * second });
  const [span] = spansOf([accept], always);
  assert.equal(span?.name, 'tcp accept 40000');
  assert.equal(span.parentSpanId, undefined);
  assert.equal(span.attributes['wirespan.tcp.accept_queue.wait'], 2);
  assert.equal(span.endUnixNs - span.startUnixNs, 3n * second);
  checkAttributes(span, 'wirespan.tcp.accept');
  assert.deepEqual(spansOf([connection({ kind: 'accept', acceptedNs: 0n })], always), []);
  assert.deepEqual(spansOf([accept]), []);
});

test('a connection span is the root of its own trace and links what used it', () => {
  const context = request();
  const spans = spansOf(
    [
      connection({ kind: 'open' }),
      connection({ kind: 'handshake', context }),
      retransmit({ context: request(2) }),
      connection({ closeReason: 'peer_fin', error: 'connection_reset' }),
    ],
    always,
  );
  const connect = spans.find(({ name }) => name === 'tcp connect 8080');
  const span = spans.find(({ name }) => name === 'tcp connection 8080');
  assert.equal(span?.parentSpanId, undefined);
  assert.notEqual(span?.traceId, context.traceId);
  assert.deepEqual(
    span?.links.map(({ spanId }) => spanId),
    [connect?.spanId, context.spanId, request(2).spanId],
  );
  assert.equal(span?.failed, true);
  assert.equal(span?.startUnixNs, 91n * second + unixOffset);
  checkAttributes(span, 'wirespan.tcp.connection');
});

test('a connection span links at most the 16 most recent requests', () => {
  const records: KernelRecord[] = [];
  for (let number = 1; number <= 20; number += 1) records.push(retransmit({ context: request(number) }));
  records.push(retransmit({ context: request(5) }), connection());
  const span = spansOf(records, always).find(({ name }) => name === 'tcp connection 8080');
  const linked = span?.links.map(({ spanId }) => spanId) ?? [];
  assert.equal(linked.length, 16);
  assert.equal(linked.at(-1), request(5).spanId);
  assert.equal(linked.includes(request(6).spanId), true);
  assert.equal(linked.includes(request(4).spanId), false);
});

test('a correlated connection span needs a request, and any needs a start', () => {
  const correlated = { 'wirespan.tcp.connection': 'correlated', 'wirespan.tcp.connect': 'always' } as const;
  const named = (records: KernelRecord[], modes: Record<string, SpanMode>): number =>
    spansOf(records, modes).filter(({ name }) => name.startsWith('tcp connection')).length;
  assert.equal(named([connection({ kind: 'open' }), connection()], correlated), 0);
  assert.equal(named([retransmit({ context: request() }), connection()], correlated), 1);
  assert.equal(named([connection({ establishedNs: 0n, preexisting: true })], always), 0);
});

test('links of at most 10,000 connections are remembered', () => {
  const subject = harness({ spans: { ...always, 'wirespan.tcp.retransmit': 'off' } });
  for (let cookie = 0n; cookie < 10_001n; cookie += 1n)
    subject.correlator.handle(retransmit({ cookie, context: request() }));
  assert.deepEqual(subject.correlator.counters.boundsMet, {
    'drop episodes cut short': 0,
    'retransmission episodes cut short': 0,
    'exchanges cut short': 0,
    'handshakes without the time to find their request': 0,
    'connections forgotten before their spans': 1,
    'rate limits forgotten': 0,
  });
});

test('a socket that comes after another does not inherit its links', () => {
  const subject = harness({ spans: always });
  subject.correlator.handle(retransmit({ context: request() }));
  subject.correlator.handle(connection());
  subject.correlator.handle(connection());
  assert.deepEqual(subject.spans.at(-1)?.links, []);
});

test('spans beyond a cap are left out and counted, each once', () => {
  const spanLimits = { perSecond: 5, maxPerParent: 2, maxPerTrace: 3 };
  const subject = harness({ spanLimits });
  const { correlator } = subject;
  const ask = (number: number, startSeq: number, traceId = request(1).traceId): void =>
    correlator.handle(
      retransmit({ seq: startSeq, endSeq: startSeq + 1, context: request(number, { startSeq, traceId }) }),
    );
  for (const startSeq of [1, 2, 3]) ask(1, startSeq);
  for (const startSeq of [4, 5]) ask(2, startSeq);
  for (const number of [3, 4, 5]) ask(number, number, request(number).traceId);
  correlator.flush();
  const { spans, spansOverParent, spansOverTrace, spansRateLimited } = correlator.counters;
  assert.deepEqual(
    { spans, spansOverParent, spansOverTrace, spansRateLimited },
    { spans: 5, spansOverParent: 1, spansOverTrace: 1, spansRateLimited: 1 },
  );
  assert.equal(subject.spans.length, 5);
});
