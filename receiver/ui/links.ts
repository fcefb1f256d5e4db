import { processId } from '../model/ids.ts';
import type { Owner } from '../model/resource.ts';
import { endpointText } from '../views/top/text.ts';
import type { TopConnection } from '../views/top/connection.ts';

/** All connections between a process and one other end: who talks to whom. */
export interface Link {
  readonly id: string;
  readonly owner: Owner;
  /** Whether the process connected, or was connected to; undefined: not known. */
  readonly role: TopConnection['role'];
  /** The service: of a client the address and port that it connects to, of a server the address of its clients. */
  readonly peer: string;
  /** The port that a server has; undefined of clients. */
  readonly port: number | undefined;
  connections: number;
  sent: number;
  received: number;
  /** Bytes a second both ways, in the last interval. */
  rate: number;
  retransmits: number;
  /** Mean of those connections that had a sample, microseconds; 0: none had. */
  rttUs: number;
}

/** Connections by process and other end; those that move, or moved, most first. */
export function linksOf(connections: readonly TopConnection[]): readonly Link[] {
  const links = new Map<string, Link & { samples: number }>();
  for (const connection of connections) {
    const found = keyOf(connection);
    const link = links.get(found.id) ?? { ...found, ...NOTHING };
    links.set(found.id, link);
    const { traffic } = connection;
    link.connections += 1;
    link.sent += traffic.sent;
    link.received += traffic.received;
    link.rate += traffic.sentRate + traffic.receivedRate;
    link.retransmits += traffic.retransmits;
    if (traffic.rttUs === 0) continue;
    link.samples += 1;
    link.rttUs += (traffic.rttUs - link.rttUs) / link.samples;
  }
  return [...links.values()].sort((a, b) => moved(b) - moved(a) || (a.id < b.id ? -1 : 1));
}

const NOTHING = { connections: 0, sent: 0, received: 0, rate: 0, retransmits: 0, rttUs: 0, samples: 0 };

/** Payload both ways. */
export function moved({ sent, received }: Link): number {
  return sent + received;
}

function keyOf({
  owner,
  role,
  endpoints,
}: TopConnection): Pick<Link, 'id' | 'owner' | 'role' | 'peer' | 'port'> {
  const { localPort, peerAddress, peerPort } = endpoints;
  // The ports of clients are many, and say nothing.
  const isServer = role === 'server';
  const port = isServer ? localPort : undefined;
  const peer = isServer ? peerAddress : endpointText(peerAddress, peerPort);
  return { id: `${processId(owner)} ${String(port ?? '')} ${peer}`, owner, role, peer, port };
}
