import type { PacketPoint, PacketRecord } from '../../model/packets.ts';
import { millisecondsBetween } from '../columns.ts';
import type { Way } from './ways.ts';

/** Where a packet's time went: `wirespan.packet.stage`. */
export type StageName =
  'qdisc' | 'driver' | 'driver_to_ip' | 'forward' | 'ip_to_tcp' | 'tcp_to_socket' | 'socket_to_read';

/** A part of a way: from one point to the next. */
export interface Stage {
  readonly name: StageName;
  readonly ms: number;
  /** Where it began: interface ('' inside TCP), namespace and CPU. */
  readonly from: PacketRecord;
  /** The CPU where it ended. */
  readonly endCpu: number;
}

/** Points of an interface: what is received and then comes to one of these goes on by another. */
const ONWARD: ReadonlySet<PacketPoint> = new Set(['queue', 'transmit', 'backlog', 'receive']);

const NAMES: Readonly<Record<PacketPoint, StageName>> = {
  queue: 'qdisc',
  transmit: 'driver',
  backlog: 'driver_to_ip',
  receive: 'ip_to_tcp',
  tcp: 'tcp_to_socket',
  ready: 'socket_to_read',
  // Nothing comes after these.
  read: 'socket_to_read',
  freed: 'driver',
  lost: 'driver',
};

function nameOf(from: PacketPoint, to: PacketPoint): StageName {
  if (from === 'receive' && ONWARD.has(to)) return 'forward';
  // Where the kernel does not say when the socket has it, both are one.
  return from === 'tcp' && to === 'read' ? 'socket_to_read' : NAMES[from];
}

/** They add up to the time from the first point to the last. */
export function stagesOf({ points }: Way): readonly Stage[] {
  return points.slice(1).map((to, i) => {
    const from = points[i] ?? to;
    return {
      name: nameOf(from.point, to.point),
      ms: millisecondsBetween(from.timeNs, to.timeNs),
      from,
      endCpu: to.cpu,
    };
  });
}
