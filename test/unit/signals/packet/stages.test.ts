/** From points of packets to what is measured and told of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_OWNER } from '../../../../receiver/decode/owners.ts';
import type { PacketPoint, PacketRecord, SlowPacketRecord } from '../../../../receiver/model/packets.ts';
import type { SumsContext } from '../../../../receiver/signals/context.ts';
import type { SumsParts } from '../../../../receiver/signals/family.ts';
import { PacketStages } from '../../../../receiver/signals/packet/stage-sums.ts';
import { checkRegistered, harness, owner, unixOffset } from '../../../support/correlation.ts';
import { TestSink } from '../../../support/sums-harness.ts';

const MS = 1_000_000n;
const LATER_NS = 60_000n * MS;
const SLOW_MS = 15;
const CONTEXT = {
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  traceFlags: 1,
  method: 'http1_header',
  startSeq: 1000,
  requestStartNs: 1n,
} as const;

function pointOf(point: PacketPoint, ms: number, more: Partial<PacketRecord> = {}): PacketRecord {
  return {
    ...{
      kind: 'packet',
      point,
      timeNs: 100n * MS + BigInt(ms * 1e6),
      owner: NO_OWNER,
      packet: 1n,
      cookie: 0n,
    },
    ...{ netns: 7, family: 4, sourceAddress: '10.0.0.1', sourcePort: 40_000, destinationAddress: '10.0.0.2' },
    ...{ destinationPort: 80, seq: 1000, ack: 5, payload: 100, window: 64, segments: 1, flags: 0x18 },
    ...{ interfaceIndex: 2, interfaceName: 'va', cpu: 1, reason: 0, isUnobserved: false },
    ...more,
  };
}

/** A packet that the queue of `va` held for 20 milliseconds. */
function way(more: Partial<PacketRecord> = {}): PacketRecord[] {
  return [
    pointOf('queue', 0, { owner, cookie: 9n, context: CONTEXT, ...more }),
    pointOf('transmit', 20, more),
    pointOf('receive', 20.5, { interfaceName: 'vb', ...more }),
    pointOf('tcp', 21, { interfaceName: '', ...more }),
  ];
}

function stagesWith(options: { bound?: number; isOn?: boolean } = {}): {
  readonly stages: PacketStages;
  readonly sink: TestSink;
  readonly slow: SlowPacketRecord[];
} {
  const sink = new TestSink();
  const slow: SlowPacketRecord[] = [];
  const context: Partial<SumsContext> = {
    sink,
    isOn: () => options.isOn ?? true,
    host: () => ({ id: 'host', kind: 'host', attributes: {} }),
  };
  const slowPackets = { aboveMs: SLOW_MS, tell: (record: SlowPacketRecord) => void slow.push(record) };
  const stages = new PacketStages({
    context,
    slowPackets,
    maxWays: options.bound ?? 100,
  } as unknown as SumsParts);
  return { stages, sink, slow };
}

const DURATION = 'wirespan.packet.stage.duration';
const countsOf = (sink: TestSink): Record<string, number> =>
  Object.fromEntries(
    [...sink.histograms].map(([series, { counts }]) => [
      series,
      counts.reduce((sum, count) => sum + count, 0),
    ]),
  );

describe('stages of packets', () => {
  it('are measured by stage and interface, once each way is over', () => {
    const { stages, sink } = stagesWith();
    for (const record of [...way(), ...way({ seq: 1100, packet: 2n })]) stages.handlers.packet?.(record);
    stages.tick(LATER_NS);
    assert.deepEqual(countsOf(sink), {
      [`${DURATION} host network.interface.name=va wirespan.packet.stage=qdisc`]: 2,
      [`${DURATION} host network.interface.name=va wirespan.packet.stage=driver`]: 2,
      [`${DURATION} host network.interface.name=vb wirespan.packet.stage=ip_to_tcp`]: 2,
    });
    const held = sink.histograms.get(
      `${DURATION} host network.interface.name=va wirespan.packet.stage=qdisc`,
    );
    // Above 10 and up to 50 milliseconds.
    assert.equal(held?.counts[13], 2);
    assert.ok(Math.abs((held?.sum ?? 0) - 0.04) < 1e-9);
  });

  it('of what is not observed are left out, whichever point says so', () => {
    const { stages, sink, slow } = stagesWith();
    const [first, ...rest] = way();
    assert.ok(first);
    for (const record of [{ ...first, isUnobserved: true }, ...rest]) stages.handlers.packet?.(record);
    stages.end();
    assert.deepEqual([countsOf(sink), slow], [{}, []]);
  });

  it('make room within their bound, and that is counted', () => {
    const { stages } = stagesWith({ bound: 2 });
    for (let i = 0; i < 5; i += 1)
      stages.handlers.packet?.(pointOf('queue', i, { seq: 1000 * i, packet: BigInt(i) }));
    assert.deepEqual(Object.values(stages.boundsMet), [3]);
  });

  it('that are too long are told of, with all others of the way, and without the metric too', () => {
    const { stages, sink, slow } = stagesWith({ isOn: false });
    for (const record of way()) stages.handlers.packet?.(record);
    stages.handlers.packet?.(pointOf('queue', 30, { seq: 1100, packet: 2n }));
    stages.handlers.packet?.(pointOf('transmit', 30 + SLOW_MS, { seq: 1100, packet: 2n }));
    stages.end();
    assert.deepEqual(countsOf(sink), {});
    const [record, ...more] = slow;
    assert.ok(record);
    assert.deepEqual(more, []);
    assert.deepEqual([record.owner, record.cookie, record.context], [owner, 9n, CONTEXT]);
    assert.deepEqual([record.timeNs, record.endNs], [100n * MS, 121n * MS]);

    const { correlator, events } = harness({ events: { 'wirespan.packet.slow': 'on' } });
    correlator.handle(record);
    const [event] = events;
    assert.ok(event);
    checkRegistered(event);
    assert.equal(event.timeUnixNs, 121n * MS + unixOffset);
    assert.deepEqual([event.context?.traceId, event.context?.spanId], [CONTEXT.traceId, CONTEXT.spanId]);
    const { attributes } = event;
    const own = Object.fromEntries(
      Object.entries(attributes).filter(([name]) => name.startsWith('wirespan.packet.way.')),
    );
    assert.deepEqual(own, {
      'wirespan.packet.way.stages': ['qdisc', 'driver', 'ip_to_tcp'],
      'wirespan.packet.way.values': [0.02, 0.0005, 0.0005],
      'wirespan.packet.way.interfaces': ['va', 'va', 'vb'],
      'wirespan.packet.way.namespaces': [7, 7, 7],
      'wirespan.packet.way.cpus': [1, 1, 1],
    });
    assert.deepEqual(
      [attributes['wirespan.packet.stage'], attributes['wirespan.latency.value']],
      ['qdisc', 0.02],
    );
  });

  it('of a packet that is older than its context are on no trace, and correlated asks for one', () => {
    const { stages, slow } = stagesWith();
    const late = { ...CONTEXT, requestStartNs: 101n * MS };
    for (const record of way())
      stages.handlers.packet?.(record.point === 'queue' ? { ...record, context: late } : record);
    stages.end();
    for (const [mode, count] of [
      ['on', 1],
      ['correlated', 0],
      ['off', 0],
    ] as const) {
      const { correlator, events } = harness({ events: { 'wirespan.packet.slow': mode } });
      for (const record of slow) correlator.handle(record);
      assert.deepEqual(
        events.map(({ context }) => context),
        Array.from({ length: count }, () => undefined),
      );
    }
  });
});
