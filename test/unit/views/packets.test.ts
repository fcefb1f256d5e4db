/** How points of packets become ways: by the same buffer, by flow and sequence number, and in a socket. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_OWNER } from '../../../receiver/decode/owners.ts';
import type { PacketRecord } from '../../../receiver/model/packets.ts';
import { stagesOf } from '../../../receiver/packets/stages.ts';
import { Ways, type Way } from '../../../receiver/packets/ways.ts';
import { show, textOf } from './show.ts';

const MS = 1_000_000n;
const LATER_NS = 60_000n * MS;
const BASE: PacketRecord = {
  kind: 'packet',
  timeNs: 0n,
  owner: NO_OWNER,
  point: 'queue',
  packet: 1n,
  cookie: 0n,
  netns: 7,
  family: 4,
  sourceAddress: '10.0.0.1',
  sourcePort: 40_000,
  destinationAddress: '10.0.0.2',
  destinationPort: 80,
  seq: 1000,
  ack: 5,
  payload: 100,
  window: 64,
  segments: 1,
  flags: 0x18,
  interfaceIndex: 2,
  interfaceName: 'va',
  cpu: 0,
  reason: 0,
  isUnobserved: false,
};

/** Times in milliseconds, in the order that they are given in. */
function at(ms: number, record: Partial<PacketRecord>): PacketRecord {
  return { ...BASE, ...record, timeNs: BigInt(Math.round(ms * 1000)) * 1000n };
}

const PEER = { interfaceIndex: 3, interfaceName: 'vb', netns: 8 } as const;
const SOCKET = { cookie: 9n, netns: 8, interfaceIndex: 0, interfaceName: '' } as const;

/** Across a pair, until TCP has it. */
function across(packet: Partial<PacketRecord> = {}, since = 0): PacketRecord[] {
  return [
    at(since, packet),
    at(since + 5, { ...packet, point: 'transmit' }),
    at(since + 6, { ...packet, ...PEER, point: 'backlog', cpu: 0 }),
    at(since + 8, { ...packet, ...PEER, point: 'receive', cpu: 1 }),
    at(since + 11, { ...packet, ...SOCKET, point: 'tcp', cpu: 1 }),
  ];
}

function progress(ms: number, point: 'ready' | 'read', seq: number): PacketRecord {
  return at(ms, { ...SOCKET, point, seq, packet: 0n, payload: 0, sourceAddress: '0.0.0.0', sourcePort: 0 });
}

function join(
  records: readonly PacketRecord[],
  { bound = 100, reads = true, nowNs = 0n } = {},
): readonly Way[] {
  const ways = new Ways(bound, reads);
  for (const record of records) ways.add(record);
  return ways.take(nowNs);
}

const shapeOf = (way: Way): string =>
  `${way.head.seq}+${way.head.payload} ${stagesOf(way)
    .map(({ name, ms }) => `${name}=${ms}`)
    .join(' ')}`;

const ACROSS = 'qdisc=5 driver=1 driver_to_ip=2 ip_to_tcp=3';

describe('ways of packets', () => {
  it('stages follow each other from the queue to the read, and say where they were', () => {
    const [way] = join([...across(), progress(12, 'ready', 1100), progress(20, 'read', 1100)]);
    assert.ok(way !== undefined);
    assert.equal(shapeOf(way), `1000+100 ${ACROSS} tcp_to_socket=1 socket_to_read=8`);
    assert.deepEqual(
      stagesOf(way).map(({ from, endCpu }) => [from.interfaceName, from.netns, from.cpu, endCpu]),
      [
        ['va', 7, 0, 0],
        ['va', 7, 0, 0],
        ['vb', 8, 0, 1],
        ['vb', 8, 1, 1],
        ['', 8, 1, 0],
        ['', 8, 0, 0],
      ],
    );
  });

  it('a read ends the ways that it has all bytes of, over the end of the sequence numbers too', () => {
    const first = { seq: 0xffff_ffce, payload: 100, packet: 1n };
    const second = { seq: 50, payload: 100, packet: 2n };
    const sent = [...across(first), ...across(second, 1)];
    assert.deepEqual(join(sent), []);
    const partly = join([...sent, progress(30, 'read', 149)]);
    assert.deepEqual(partly.map(shapeOf), [`4294967246+100 ${ACROSS} socket_to_read=19`]);
    assert.equal(join([...sent, progress(30, 'read', 150)]).length, 2);
  });

  it('until TCP has it, where reads are not asked for; one without payload always', () => {
    assert.deepEqual(join(across(), { reads: false }).map(shapeOf), [`1000+100 ${ACROSS}`]);
    assert.deepEqual(join(across({ payload: 0 })).map(shapeOf), [`1000+0 ${ACROSS}`]);
  });

  it('through a bridge it is forwarded, by the same buffer', () => {
    const port = { interfaceIndex: 4, interfaceName: 'vc', netns: 8 } as const;
    const [queue, transmit, backlog, receive] = across() as [
      PacketRecord,
      PacketRecord,
      PacketRecord,
      PacketRecord,
    ];
    const onward = [
      at(10, { ...port, point: 'queue' }),
      at(11, { ...port, point: 'transmit' }),
      at(12, { ...port, point: 'freed' }),
    ];
    const [way] = join([queue, transmit, backlog, receive, ...onward], { nowNs: LATER_NS });
    assert.ok(way !== undefined);
    assert.equal(shapeOf(way), '1000+100 qdisc=5 driver=1 driver_to_ip=2 forward=2 qdisc=1 driver=1');
  });

  it('one that is split goes on in its pieces, and those that are put together go on as one', () => {
    const whole = at(0, { payload: 300, segments: 3 });
    const pieces = [0, 1, 2].flatMap((i) => [
      at(5 + i, { seq: 1000 + 100 * i, packet: BigInt(10 + i), point: 'transmit' }),
      at(6 + i, { seq: 1000 + 100 * i, packet: BigInt(10 + i), ...PEER, point: 'backlog' }),
    ]);
    const freed = at(1, { payload: 300, segments: 3, point: 'freed' });
    const together = at(20, { payload: 300, segments: 3, packet: 10n, ...SOCKET, point: 'tcp' });
    const ways = join([whole, freed, ...pieces, together, progress(21, 'read', 1300)], { nowNs: LATER_NS });
    assert.deepEqual(ways.map(shapeOf), [
      '1000+100 qdisc=5 driver=1 driver_to_ip=14 socket_to_read=1',
      '1100+100 qdisc=6 driver=1 driver_to_ip=13 socket_to_read=1',
      '1200+100 qdisc=7 driver=1 driver_to_ip=12 socket_to_read=1',
    ]);
  });

  it('over a device that makes it new, by flow and sequence number', () => {
    const [queue, transmit] = across() as [PacketRecord, PacketRecord];
    const freed = at(6, { point: 'freed' });
    const renewed = at(9, { packet: 77n, ...PEER, point: 'receive' });
    const ways = join([queue, transmit, freed, renewed, at(10, { packet: 77n, ...SOCKET, point: 'tcp' })], {
      reads: false,
    });
    assert.deepEqual(ways.map(shapeOf), ['1000+100 qdisc=5 driver=4 ip_to_tcp=1']);
    // A device that sent it out of the host: nothing follows.
    assert.deepEqual(join([queue, transmit, freed], { nowNs: LATER_NS }).map(shapeOf), [
      '1000+100 qdisc=5 driver=1',
    ]);
  });

  it('what is sent again is another packet, at another address or at the same', () => {
    for (const packet of [2n, 1n]) {
      const [first, again] = [across(), across({ packet }, 100)];
      const ways = join([...first.slice(0, 4), ...again, progress(120, 'read', 1100)], { nowNs: LATER_NS });
      assert.deepEqual(ways.map(shapeOf), [
        `1000+100 ${ACROSS} socket_to_read=9`,
        '1000+100 qdisc=5 driver=1 driver_to_ip=2',
      ]);
    }
  });

  it('a buffer that another packet has now is no part of its way', () => {
    const ways = join([...across({ payload: 0 }).slice(0, 4), ...across({ payload: 0, seq: 7000 }, 50)], {
      nowNs: LATER_NS,
    });
    assert.deepEqual(ways.map(shapeOf), [`7000+0 ${ACROSS}`, '1000+0 qdisc=5 driver=1 driver_to_ip=2']);
  });

  it('one that is lost ends there', () => {
    const lost = join([...across().slice(0, 4), at(9, { ...PEER, point: 'lost', reason: 3 })]);
    assert.deepEqual(
      lost.map((way) => [shapeOf(way), way.last.reason]),
      [['1000+100 qdisc=5 driver=1 driver_to_ip=2 ip_to_tcp=1', 3]],
    );
  });

  it('there are no more at once than the bound, and what made room is shown and counted', () => {
    const sent = [1, 2, 3, 4, 5].map((i) => at(i, { packet: BigInt(i), seq: 1000 * i }));
    const ways = new Ways(3, true);
    for (const record of sent) ways.add(record);
    assert.equal(ways.shortened, 2);
    assert.deepEqual(
      ways.take(0n).map(({ head }) => head.seq),
      [1000, 2000],
    );
    assert.deepEqual(
      ways.rest().map(({ head }) => head.seq),
      [3000, 4000, 5000],
    );
    // The host remembers two.
    const text = textOf(show('tcptrace', ...sent));
    assert.equal(text.length, 1 + 5);
  });

  it('netpod has the sides of a crossing, marks what is above the threshold, and leaves out what crosses nothing', () => {
    const own = [at(50, { packet: 5n, seq: 5000 }), at(51, { packet: 5n, seq: 5000, point: 'transmit' })];
    const { rows } = show('netpod -m 4', ...across(), ...own);
    assert.deepEqual(
      rows.map(({ json }) => [json?.['transmit_ms'], json?.['receive_ms'], json?.['tcp_ms'], json?.['slow']]),
      [[6, 2, 3, ['transmit']]],
    );
    assert.match(
      rows[0]?.lines[0] ?? '',
      / va>vb +7>8 +10\.0\.0\.1:40000 .* 6\.000 +2\.000 +3\.000 SLOW transmit$/,
    );
    assert.deepEqual(show('netpod -m 6 -s', ...across()).rows, []);
  });

  it('limits leave out packets by either end, by interface and by namespace', () => {
    for (const [options, count] of [
      ['-P 80', 1],
      ['-P 40000,1', 1],
      ['-P 81', 0],
      ['-i vb', 1],
      ['-i vd', 0],
      ['--netns 8', 1],
      ['--netns 9', 0],
    ] as const)
      assert.equal(show(`tcptrace ${options}`, ...across()).rows.length, count, options);
  });
});
