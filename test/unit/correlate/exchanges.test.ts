import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Exchanges } from '../../../receiver/correlate/exchanges.ts';
import type { NetworkSpan } from '../../../receiver/model/event.ts';
import type { ExchangeRecord, RetransmitRecord } from '../../../receiver/model/record.ts';
import {
  connection,
  exchange,
  harness,
  request,
  retransmit,
  second,
  type Harness,
} from '../../support/correlation.ts';

const MS = 1_000_000n;
const START = 95n * second;

/** A retransmission of a request whose exchange goes on, so long after its first byte. */
const loss = (afterNs: bigint): RetransmitRecord =>
  retransmit({ context: request(1), isInExchange: true, timeNs: START + afterNs });

function tree({ spans }: Harness): (readonly [name: string, parent: string])[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans.map(({ name, parentSpanId = '' }) => [name, names.get(parentSpanId) ?? parentSpanId] as const);
}

const lengthOf = ({ startUnixNs, endUnixNs }: NetworkSpan): bigint => endUnixNs - startUnixNs;

const app = request(1).spanId;
const underExchange = [
  ['tcp exchange 8080', app],
  ['tcp retransmit', 'tcp exchange 8080'],
];

test('what is lost waits for its exchange, and is one span under it', () => {
  const h = harness();
  h.correlator.handle(loss(200n * MS));
  // Further apart than the quiet that ends an episode without an exchange.
  h.correlator.handle(loss(1_600n * MS));
  h.correlator.tick(START + 3n * second);
  assert.equal(h.spans.length, 0);
  h.correlator.handle(exchange({ what: 'ended', firstNs: START + 2n * second, lastNs: START + 3n * second }));
  assert.deepEqual(tree(h), underExchange);
  const [whole, lost] = h.spans as [NetworkSpan, NetworkSpan];
  assert.equal(lengthOf(whole), 3n * second - MS, 'a millisecond less, for the clocks of applications');
  assert.equal(lengthOf(lost), 1_600n * MS);
  assert.equal(lost.attributes['wirespan.tcp.retransmit.segments'], 2);
  assert.equal(whole.attributes['wirespan.tcp.exchange.time_to_first_byte'], 2);
  assert.equal(whole.attributes['wirespan.tcp.exchange.time_to_last_byte'], 3);
  assert.equal(whole.attributes['wirespan.tcp.connection.rtt_smoothed'], 0.0015);
});

test('an exchange ends no earlier than what was lost in it', () => {
  const h = harness();
  h.correlator.handle(loss(500n * MS));
  h.correlator.handle(exchange({ what: 'ended', lastNs: START + 500n * MS }));
  assert.deepEqual(h.spans.map(lengthOf), [500n * MS, 500n * MS]);
});

test('without its end it leaves when nothing was heard of it for long, and when the agent stops', () => {
  const ends: Readonly<Record<string, (h: Harness) => void>> = {
    'a minute, unanswered': ({ correlator }) => {
      correlator.tick(START + 60n * second);
      assert.deepEqual(correlator.counters.spans, 0);
      correlator.tick(START + 61n * second);
    },
    'five seconds after its response began': ({ correlator }) => {
      correlator.handle(exchange({ what: 'answered', timeNs: START + 10n * second }));
      correlator.tick(START + 15n * second - 1n);
      assert.deepEqual(correlator.counters.spans, 0);
      correlator.tick(START + 15n * second);
    },
    'the end of the agent': ({ correlator }) => correlator.flush(),
  };
  for (const [about, end] of Object.entries(ends)) {
    const h = harness();
    h.correlator.handle(loss(second));
    end(h);
    assert.deepEqual(tree(h), underExchange, about);
  }
});

test('its end when it has left already changes nothing, and what is lost later is under it', () => {
  const h = harness();
  h.correlator.handle(exchange({ what: 'answered', timeNs: START + second }));
  h.correlator.tick(START + 6n * second);
  h.correlator.handle(loss(7n * second));
  h.correlator.handle(exchange({ what: 'ended', timeNs: START + 8n * second }));
  h.correlator.flush();
  assert.deepEqual(tree(h), underExchange);
});

test('it leaves once, however its end is told, and also when it was only begun to be answered', () => {
  for (const records of [[exchange({ what: 'answered' })], [exchange({ what: 'answered' }), exchange()]]) {
    const h = harness();
    for (const record of records) h.correlator.handle(record);
    h.correlator.flush();
    assert.deepEqual(tree(h), [['tcp exchange 8080', app]]);
    const ended = records.length > 1;
    const { attributes } = h.spans[0] as NetworkSpan;
    assert.equal(attributes['wirespan.tcp.exchange.time_to_first_byte'], 1);
    assert.equal(attributes['wirespan.tcp.exchange.time_to_last_byte'], ended ? 2 : undefined);
    assert.equal(attributes['wirespan.tcp.exchange.bytes_received'], ended ? 200 : undefined);
    h.correlator.tick(START + 600n * second);
    assert.equal(h.spans.length, 1);
  }
});

test('the span of its connection has a link to its request', () => {
  const h = harness({ spans: { 'wirespan.tcp.exchange': 'off', 'wirespan.tcp.connection': 'always' } });
  h.correlator.handle(exchange());
  h.correlator.handle(connection());
  assert.deepEqual(
    h.spans.map(({ links }) => links.map(({ spanId }) => spanId)),
    [[app]],
  );
});

test('modes: off, eventful, always', () => {
  const shown = (mode: 'always' | 'eventful' | 'off', isEventful: boolean, traceFlags = 1) => {
    const h = harness({ spans: { 'wirespan.tcp.exchange': mode } });
    const context = request(1, { traceFlags });
    if (isEventful) h.correlator.handle({ ...loss(second), context });
    h.correlator.handle(exchange({ what: 'ended', isEventful, context }));
    h.correlator.flush();
    return tree(h);
  };
  assert.deepEqual(shown('off', true), [['tcp retransmit', app]]);
  assert.deepEqual(shown('eventful', false), []);
  assert.deepEqual(shown('eventful', true), underExchange);
  assert.deepEqual(shown('always', false), [['tcp exchange 8080', app]]);
  assert.deepEqual(shown('always', true, 0), [], 'an unsampled request has no spans');
});

test('at a server the bytes are the other way round, and the last one is there when it is acknowledged', () => {
  const context = request(1, { method: 'http1_window' });
  const figures = (more: Partial<ExchangeRecord>): unknown[] => {
    const h = harness();
    h.correlator.handle(exchange({ role: 'server', context, ...more }));
    h.correlator.flush();
    const { attributes } = h.spans[0] as NetworkSpan;
    return ['bytes_received', 'bytes_sent', 'time_to_first_byte', 'time_to_last_byte'].map(
      (name) => attributes[`wirespan.tcp.exchange.${name}`],
    );
  };
  assert.deepEqual(figures({}), [200, 100, 1, 2]);
  assert.deepEqual(figures({ what: 'closed', lastNs: 0n }), [200, 100, 1, undefined]);
  assert.deepEqual(figures({ what: 'answered' }), [200, undefined, 1, undefined]);
  assert.deepEqual(figures({ what: 'closed', firstNs: 0n, lastNs: 0n }), [
    200,
    undefined,
    undefined,
    undefined,
  ]);
});

test('what is lost outside of exchanges is under the span of the application', () => {
  const h = harness();
  h.correlator.handle(retransmit({ context: request(1) }));
  h.correlator.flush();
  assert.deepEqual(tree(h), [['tcp retransmit', app]]);
});

test('a failed one says so', () => {
  const h = harness();
  const failed = { error: 'connection_reset', closeReason: 'reset_received' } as const;
  h.correlator.handle(exchange({ what: 'closed', firstNs: 0n, lastNs: 0n, rttSmoothedUs: 0, ...failed }));
  const [span] = h.spans;
  assert.equal(span?.failed, true);
  assert.equal(span?.attributes['error.type'], 'connection_reset');
  assert.equal(span?.attributes['wirespan.tcp.close.reason'], 'reset_received');
  for (const unknown of ['exchange.time_to_first_byte', 'exchange.bytes_received', 'connection.rtt_smoothed'])
    assert.equal(span?.attributes[`wirespan.tcp.${unknown}`], undefined, unknown);
});

test('no span has a parent that a cap kept back', () => {
  for (const limits of [
    { perSecond: 0, maxPerParent: 1, maxPerTrace: 0 },
    { perSecond: 0, maxPerParent: 0, maxPerTrace: 1 },
    { perSecond: 1, maxPerParent: 0, maxPerTrace: 0 },
  ]) {
    const h = harness({ spanLimits: limits });
    for (const startSeq of [1_000, 2_000, 3_000]) {
      const context = request(1, { startSeq });
      h.correlator.handle({ ...loss(second), context, endSeq: startSeq + 1_000 });
      h.correlator.handle(exchange({ what: 'ended', context }));
    }
    h.correlator.flush();
    const known = new Set([app, ...h.spans.map(({ spanId }) => spanId)]);
    assert.ok(h.spans.length > 0);
    for (const { parentSpanId = '' } of h.spans) assert.ok(known.has(parentSpanId), JSON.stringify(limits));
  }
});

test('one more than the bound ends the one that nothing was heard of for longest, which is counted', () => {
  const exchanges = new Exchanges(2);
  const ended: string[] = [];
  exchanges.onExchange(({ parent }) => void ended.push(parent.spanId));
  const add = (number: number, afterNs: bigint): boolean => {
    const context = request(number, { startSeq: number });
    return exchanges.addRetransmit({ ...loss(afterNs), context }, { ...context, confidence: 'exact' });
  };
  assert.ok(add(1, 1n) && add(2, 2n) && add(1, 3n) && add(3, 4n));
  assert.deepEqual([ended, exchanges.cutShort], [[request(2).spanId], 1]);
  exchanges.endAll();
  assert.deepEqual(
    ended,
    [2, 1, 3].map((number) => request(number).spanId),
  );
});
