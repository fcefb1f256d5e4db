import type { PacketPoint, Stage, StageName } from '../model/packets.ts';
import type { Way } from './ways.ts';

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
      ms: Number(to.timeNs - from.timeNs) / 1e6,
      from,
      endCpu: to.cpu,
    };
  });
}
