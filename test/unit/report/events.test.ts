/** What a report makes of events: connections, requests and peers, within its bounds. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReportBuilder } from '../../../receiver/report/builder.ts';
import { dropPeerOf } from '../../../receiver/report/read.ts';
import type { NetworkSpan } from '../../../receiver/model/event.ts';
import { endsOf, eventOf, FACTS, reportOf, START_MS } from './made.ts';

const again = (id: number | string, segments = 1, traceId?: string, peer?: string) =>
  eventOf(
    'tcp.retransmit',
    { ...endsOf(id, peer), 'wirespan.tcp.retransmit.segments': segments },
    traceId === undefined ? {} : { traceId },
  );
const closed = (id: number | string, retransmitted: number, more = {}) =>
  eventOf('tcp.connection.close', {
    ...endsOf(id),
    'wirespan.tcp.connection.segments_retransmitted': retransmitted,
    'wirespan.tcp.close.reason': 'local_fin',
    ...more,
  });
const dropped = (id: string) =>
  eventOf('packet.drop', {
    'source.address': '192.0.2.1',
    'source.port': 443,
    'destination.address': '192.0.2.9',
    'destination.port': 40_000,
    'network.local.port': 40_000,
    'network.peer.port': 443,
    'wirespan.tcp.connection.id': id,
  });

describe('worst connections', () => {
  it('have what they said at their close, with the drops of before; open ones what their events said', () => {
    const report = reportOf([
      again('a', 2),
      dropped('a'),
      again('b', 3),
      dropped('b'),
      closed('a', 4, { 'wirespan.tcp.connection.rtt_smoothed': 0.02, 'wirespan.tcp.connection.lifetime': 1 }),
      closed('c', 0, { 'wirespan.tcp.connection.rtt_smoothed': 0.5 }),
    ]);
    const { byLosses, byRtt, byLifetime } = report.connections;
    assert.deepEqual(
      byLosses.rows.map(({ id, isOpen, retransmitted, drops }) => ({ id, isOpen, retransmitted, drops })),
      [
        { id: 'a', isOpen: false, retransmitted: 4, drops: 1 },
        { id: 'b', isOpen: true, retransmitted: 3, drops: 1 },
      ],
    );
    assert.deepEqual(
      [byRtt, byLifetime].map(({ rows }) => rows.map(({ id }) => id)),
      [['c', 'a'], ['a']],
    );
    assert.equal(report.retransmits.byPeer.total, 5);
    assert.deepEqual(
      report.drops.byPeer.parts.map(({ name, total }) => [name, total]),
      [['192.0.2.1', 2]],
    );
  });

  it('are named by what says most of them, also where a drop came first', () => {
    const [row] = reportOf([dropped('a'), again('a')]).connections.byLosses.rows;
    const { service, executable, pid, role, local, peer } = row ?? assert.fail();
    assert.deepEqual(
      { service, executable, pid, role, local, peer },
      {
        ...{ service: 'shop', executable: 'app', pid: 42, role: 'client' },
        local: '192.0.2.9:40000',
        peer: '192.0.2.1:443',
      },
    );
  });
});

describe('requests that were hurt', () => {
  const trace = (digit: number): string => String(digit).repeat(32);

  it('have what happened to them, and the longest span below them', () => {
    const builder = new ReportBuilder(START_MS);
    for (const event of [
      again('a', 2, trace(1)),
      again('a', 1, trace(1)),
      again('b', 1, trace(2)),
      again('c'),
    ])
      builder.event(event);
    const span = (traceId: string, ms: number, parentSpanId?: string): NetworkSpan => ({
      ...{ name: 'tcp retransmit', scope: 'wirespan/tcp', traceId, spanId: 'b'.repeat(16), traceFlags: 1 },
      resource: { id: 'shop', kind: 'workload', attributes: {} },
      startUnixNs: 0n,
      endUnixNs: BigInt(ms) * 1_000_000n,
      ...{ attributes: {}, failed: false, links: [] },
      ...(parentSpanId !== undefined && { parentSpanId }),
    });
    builder.span(span(trace(2), 230, 'c'.repeat(16)));
    builder.span(span(trace(1), 9, 'c'.repeat(16)));
    builder.span(span(trace(1), 5_000));
    builder.span(span(trace(3), 5_000, 'c'.repeat(16)));
    const { rows, more } = builder.build(FACTS).requests;
    assert.deepEqual(
      rows.map(({ traceId, longest, retransmitted }) => [traceId, longest, retransmitted]),
      [
        [trace(2), 0.23, 1],
        [trace(1), 0.009, 3],
      ],
    );
    assert.equal(more, 0);
  });

  it('are those of applications: the trace of our own span is none', () => {
    const event = again('a', 1, trace(1));
    const own = { ...event, context: { ...(event.context ?? assert.fail()), method: 'own_span' } };
    assert.deepEqual(reportOf([own]).requests, { rows: [], more: 0 });
  });
});

describe('the other end of a dropped packet', () => {
  const packet = (ports: readonly number[], local?: number, peer?: number) => ({
    ...{ 'source.address': '192.0.2.1', 'destination.address': '192.0.2.9' },
    ...{ 'source.port': ports[0], 'destination.port': ports[1] },
    ...{ 'network.local.port': local, 'network.peer.port': peer },
  });

  it('is where it came from, or where it was sent to', () => {
    assert.equal(dropPeerOf(packet([443, 40_000], 40_000, 443)).endpoint, '192.0.2.1:443');
    assert.equal(dropPeerOf(packet([443, 40_000], 443, 40_000)).endpoint, '192.0.2.9:40000');
  });

  it('is not told from this end where the ports do not say which it is', () => {
    const both = '192.0.2.1:443 → 192.0.2.9:40000';
    assert.equal(dropPeerOf(packet([443, 40_000])).endpoint, both);
    assert.equal(dropPeerOf(packet([443, 40_000], 22, 23)).endpoint, both);
    assert.equal(dropPeerOf(packet([443, 443], 443, 443)).name, '192.0.2.1 → 192.0.2.9');
    const within = { ...packet([443, 40_000]), 'destination.address': '192.0.2.1' };
    assert.equal(dropPeerOf(within).name, '192.0.2.1');
  });
});

describe('a report of very much', () => {
  it('has the sums of all of it, and a bounded part of what has names', () => {
    const count = 200_003;
    function* events() {
      for (let i = 0; i < count; i += 1) {
        const traceId = i.toString(16).padStart(32, '0');
        yield again(i, 1, traceId, `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
        if (i % 2 === 0) yield closed(i, 1, { 'wirespan.tcp.connection.lifetime': i });
      }
    }
    const report = reportOf(events());
    assert.equal(report.retransmits.byPeer.total, count);
    const { byLosses, byLifetime } = report.connections;
    assert.equal(byLosses.rows.length + byLosses.more, count);
    assert.deepEqual(byLifetime.rows.map(({ id }) => Number(id)).slice(0, 2), [count - 1, count - 3]);
    assert.equal(report.requests.rows.length + report.requests.more, count);
    assert.deepEqual(report.facts.leftOut, [
      // One more than too many: one that closes had a place until then.
      { what: 'open connections ranked early (10,000)', count: (count - 1) / 2 - 10_000 + 1 },
      { what: 'requests ranked early (10,000)', count: count - 10_000 },
    ]);
    assert.ok(report.retransmits.byPeer.others.isUncounted);
    assert.ok(JSON.stringify(report).length < 100_000, 'the page does not grow with it');
  });
});
