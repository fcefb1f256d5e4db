import type { PacketRecord } from '../model/packets.ts';
import { line, titles, type Column } from './columns.ts';
import { PACKET_OPTIONS, wantedPackets } from './packets/options.ts';
import { PacketView, type PacketFormat, type PacketRow } from './packets/packet-view.ts';
import { HEAD_COLUMNS, headTexts, packetJson, type TimedWay } from './packets/rows.ts';
import type { Stage, StageName } from './packets/stages.ts';
import type { View } from './view.ts';

const COLUMNS: readonly Column[] = [
  ['TIME', 15],
  ['CPU', 5],
  ['INTERFACES', 21],
  ['NETNS', 21],
  ...HEAD_COLUMNS,
  ['TX(ms)', -9],
  ['RX(ms)', -9],
  ['TCP(ms)', -9],
  ['SLOW', 0],
];

type Side = 'transmit' | 'receive' | 'tcp';

const SIDES: Readonly<Record<StageName, Side>> = {
  qdisc: 'transmit',
  driver: 'transmit',
  driver_to_ip: 'receive',
  forward: 'receive',
  ip_to_tcp: 'tcp',
  tcp_to_socket: 'tcp',
  socket_to_read: 'tcp',
};

/** Packets from one interface of this host to another, such as those of a veth pair. */
export const netpod: View = {
  name: 'netpod',
  summary:
    'TCP packets that cross from one interface of this host to another, such as between pods: how long they took to be transmitted, to be received and to get to TCP, with an alarm for slow ones',
  example: ['wirespan netpod -i eth0 -m 5 -s', 'which side held packets for more than 5 ms'],
  options: PACKET_OPTIONS,
  loadsAlways: true,
  isOfNobody: true,
  needs: (args) => ({
    events: [],
    packets: wantedPackets(args, false),
    probes: [
      'net_dev_queue',
      'net_dev_start_xmit',
      'netif_rx',
      'netif_receive_skb',
      'tcp_probe',
      'consume_skb',
      'kfree_skb',
    ],
  }),
  start: (args, tools) => new PacketView(FORMAT, args, tools),
};

const FORMAT: PacketFormat = { header: titles(COLUMNS), reads: false, row: rowOf };

/** The interface that it left, and the last one that it came to; undefined: it crossed none. */
function crossing(points: readonly PacketRecord[]): readonly [PacketRecord, PacketRecord] | undefined {
  const from = points.find(({ point }) => point === 'transmit');
  const to = points.findLast(({ point }) => point === 'backlog' || point === 'receive');
  if (from === undefined || to === undefined || from.timeNs > to.timeNs) return undefined;
  const isOne = from.interfaceIndex === to.interfaceIndex && from.netns === to.netns;
  return isOne ? undefined : [from, to];
}

/** Milliseconds by side; absent: it did not get there. */
function sidesOf(stages: readonly Stage[]): ReadonlyMap<Side, number> {
  const sides = new Map<Side, number>();
  for (const { name, ms } of stages) sides.set(SIDES[name], (sides.get(SIDES[name]) ?? 0) + ms);
  return sides;
}

function rowOf(timed: TimedWay, thresholdMs: number): PacketRow | undefined {
  const { way, time, stages, lost } = timed;
  const crossed = crossing(way.points);
  if (crossed === undefined) return undefined;
  const [from, to] = crossed;
  const sides = sidesOf(stages);
  const slow = [...sides].filter(([, ms]) => ms > thresholdMs).map(([side]) => side);
  const mark = [
    ...(slow.length > 0 ? [`SLOW ${slow.join(', ')}`] : []),
    ...(lost === undefined ? [] : [`lost: ${lost}`]),
  ];
  const [transmit, receive, tcp] = (['transmit', 'receive', 'tcp'] as const).map((side) => sides.get(side));
  return {
    slow,
    row: {
      lines: [
        line(COLUMNS, [
          time,
          `${String(from.cpu)}>${String(way.last.cpu)}`,
          `${from.interfaceName}>${to.interfaceName}`,
          `${String(from.netns)}>${String(to.netns)}`,
          ...headTexts(way.head),
          ...[transmit, receive, tcp].map((ms) => ms?.toFixed(3) ?? '-'),
          mark.join('; '),
        ]),
      ],
      json: {
        ...packetJson(timed),
        cpu: from.cpu,
        end_cpu: way.last.cpu,
        interface: from.interfaceName,
        peer_interface: to.interfaceName,
        netns: from.netns,
        peer_netns: to.netns,
        transmit_ms: transmit ?? null,
        receive_ms: receive ?? null,
        tcp_ms: tcp ?? null,
        slow,
        lost: lost ?? null,
      },
    },
  };
}
