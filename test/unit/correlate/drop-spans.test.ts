import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SPAN_PACKET_DROP } from '../../../semconv/index.ts';
import { connection, dropped, exchange, harness, request, retransmit } from '../../support/correlation.ts';
import { second, type Harness } from '../../support/correlation.ts';

const MS = 1_000_000n;
const START = 95n * second;
const app = request(1).spanId;

/** A packet of request 1 that is dropped so long after its first byte. */
const drop = (afterNs: bigint): ReturnType<typeof dropped> =>
  dropped({ context: request(1), timeNs: START + afterNs });

/** A retransmission of request 1, whose exchange goes on. */
const again = (afterNs: bigint): ReturnType<typeof retransmit> =>
  retransmit({ context: request(1), isInExchange: true, timeNs: START + afterNs });

function tree({ spans }: Harness): unknown[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans.map(({ name, parentSpanId = '', attributes, startUnixNs, endUnixNs }) => [
    name,
    names.get(parentSpanId) ?? parentSpanId,
    attributes['wirespan.packet.drop.packets'] ?? attributes['wirespan.tcp.retransmit.segments'],
    (endUnixNs - startUnixNs) / MS,
  ]);
}

describe('packets that this kernel drops of a request', () => {
  it('are one span of the application’s, from its first byte to the last of them', () => {
    const h = harness();
    for (const afterMs of [10n, 200n, 600n]) h.correlator.handle(drop(afterMs * MS));
    h.correlator.tick(START + 1_600n * MS);
    assert.deepEqual(tree(h), [['tcp drop', app, 3, 600n]]);
    const { attributes } = h.spans[0] ?? {};
    const keys = new Set(Object.keys(attributes ?? {}));
    const registered = SPAN_PACKET_DROP.attributes;
    assert.deepEqual(
      [...keys].filter((key) => !registered.some((use) => use.key === key)),
      [],
    );
    for (const { key, level } of registered) if (level === 'required') assert.ok(keys.has(key), key);
    assert.equal(attributes?.['wirespan.packet.drop.reason'], 'unknown_6');
    assert.equal(attributes?.['wirespan.correlation.method'], 'http1_header');
  });

  it('are under the span of its exchange, those too that came before anything was heard of that', () => {
    const h = harness();
    h.correlator.handle(drop(10n * MS));
    h.correlator.handle(again(220n * MS));
    h.correlator.handle({ ...drop(221n * MS), reason: 7 });
    h.correlator.tick(START + 2n * second);
    assert.equal(h.spans.length, 0, 'all wait for the exchange');
    h.correlator.handle(drop(2_500n * MS));
    h.correlator.handle(exchange({ firstNs: START + 3n * second, lastNs: START + 4n * second }));
    assert.deepEqual(tree(h), [
      ['tcp exchange 8080', app, undefined, 3_999n],
      ['tcp drop', 'tcp exchange 8080', 3, 2_500n],
      ['tcp retransmit', 'tcp exchange 8080', 1, 220n],
    ]);
    assert.equal(h.spans[1]?.attributes['wirespan.packet.drop.reason'], 'unknown_6', 'as of the first');
  });

  it('are under it also when it ended within the second of quiet, and it ends no earlier than they', () => {
    const h = harness();
    h.correlator.handle(drop(10n * MS));
    h.correlator.handle(exchange({ firstNs: START + 20n * MS, lastNs: START + 30n * MS }));
    h.correlator.handle(connection());
    assert.deepEqual(tree(h), [
      ['tcp exchange 8080', app, undefined, 29n],
      ['tcp drop', 'tcp exchange 8080', 1, 10n],
    ]);
    const late = harness();
    late.correlator.handle(again(5n * MS));
    late.correlator.handle(drop(400n * MS));
    late.correlator.handle(exchange({ firstNs: START + 20n * MS, lastNs: START + 30n * MS }));
    assert.deepEqual(tree(late)[0], ['tcp exchange 8080', app, undefined, 400n]);
  });

  it('are no span of a request that is not sampled, of one without a context, and with the switch off', () => {
    for (const [context, mode] of [
      [request(1, { traceFlags: 0 }), 'correlated'],
      [undefined, 'correlated'],
      [request(1), 'off'],
    ] as const) {
      const h = harness({ spans: { 'wirespan.packet.drop': mode } });
      h.correlator.handle(dropped(context === undefined ? {} : { context }));
      h.correlator.flush();
      assert.deepEqual(h.spans, []);
    }
  });

  it('are shortened to so many at once, which is counted', () => {
    const h = harness();
    for (let cookie = 1n; cookie <= 10_001n; cookie += 1n)
      h.correlator.handle(dropped({ cookie, context: request(1) }));
    assert.equal(h.correlator.counters.boundsMet['drop episodes cut short'], 1);
    assert.deepEqual(tree(h), [['tcp drop', app, 1, 5_000n]]);
    h.correlator.flush();
    assert.equal(h.spans.length, 10_001);
  });
});
