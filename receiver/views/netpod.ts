import type { PacketPoint, PacketRecord } from '../model/packets.ts';
import { line, titles, type Column } from './columns.ts';
import { packetView, type PacketRow } from './packets/packet-view.ts';
import { HEAD_COLUMNS, headTexts, packetJson, type TimedWay } from './packets/rows.ts';

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

/** Until another interface has it, from there until it is the last one's to receive, and what comes then. */
const SIDES = ['transmit', 'receive', 'tcp'] as const;
type Side = (typeof SIDES)[number];

/** Packets from one interface of this host to another, such as those of a veth pair. */
export const netpod = packetView({
  name: 'netpod',
  summary: 'TCP packets from one interface of this host to another, such as of pods: which side held them',
  example: ['wirespan netpod -i eth0 -m 5 -s', 'which side held packets for more than 5 ms'],
  header: titles(COLUMNS),
  reads: false,
  row: rowOf,
});

/** A way from one interface to another. */
interface Crossing {
  readonly from: PacketRecord;
  /** The last interface. */
  readonly to: PacketRecord;
  /** Milliseconds; absent: it did not get there. */
  readonly sides: ReadonlyMap<Side, number>;
}

/** Undefined: it crossed none. */
function crossingOf({ way: { points }, stages }: TimedWay): Crossing | undefined {
  const left = points.findIndex(({ point }) => point === 'transmit');
  const from = points[left];
  if (from === undefined) return undefined;
  const isElsewhere = ({ point, interfaceIndex, netns }: PacketRecord): boolean =>
    ARRIVALS.has(point) && (interfaceIndex !== from.interfaceIndex || netns !== from.netns);
  const came = points.findIndex((at, i) => i > left && isElsewhere(at));
  const last = points.findLastIndex(({ point }) => ARRIVALS.has(point));
  const to = points[last];
  if (came < 0 || to === undefined) return undefined;
  const sides = new Map<Side, number>();
  for (const [i, { ms }] of stages.entries()) {
    const side = i < came ? 'transmit' : i < last ? 'receive' : 'tcp';
    sides.set(side, (sides.get(side) ?? 0) + ms);
  }
  return { from, to, sides };
}

const ARRIVALS: ReadonlySet<PacketPoint> = new Set(['backlog', 'receive']);

function rowOf(timed: TimedWay, thresholdMs: number): PacketRow | undefined {
  const { way, time, lost } = timed;
  const crossing = crossingOf(timed);
  if (crossing === undefined) return undefined;
  const { from, to, sides } = crossing;
  const slow = [...sides].filter(([, ms]) => ms > thresholdMs).map(([side]) => side);
  const mark = [
    ...(slow.length > 0 ? [`SLOW ${slow.join(', ')}`] : []),
    ...(lost === undefined ? [] : [`lost: ${lost}`]),
  ];
  const [transmit, receive, tcp] = SIDES.map((side) => sides.get(side));
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
