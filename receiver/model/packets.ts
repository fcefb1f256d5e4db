import type { RequestContext } from './request-context.ts';
import type { Owner } from './resource.ts';

/** Which packets' ways are followed; the kernel makes no record of others. */
export interface PacketsWanted {
  /** One of them is an end's; empty: any. */
  readonly ports: readonly number[];
  /** An end has it; undefined: any. */
  readonly address: string | undefined;
  /** Until the application read them; else until TCP has them. */
  readonly reads: boolean;
  /** Only those of one of so many flows, both directions of each; absent: of all. */
  readonly sample?: number;
  /** Whose each is, and of which request, is told while its sender's socket is known. */
  readonly senders?: boolean;
}

/** Where a packet is, in the order of a way from one end to the other; bpf/contract/packet.h says what each means. */
export type PacketPoint =
  'queue' | 'transmit' | 'backlog' | 'receive' | 'tcp' | 'ready' | 'read' | 'freed' | 'lost';

/** A TCP packet at one point of its way. `ready` and `read` are of its socket: they have no header. */
export interface PacketRecord {
  readonly kind: 'packet';
  /** CLOCK_MONOTONIC nanoseconds. */
  readonly timeNs: bigint;
  /** Whose socket sent it, where `senders` were asked for; the host: that is not known, as at most points. */
  readonly owner: Owner;
  readonly point: PacketPoint;
  /** Kernel address of its buffer: no two have it at one time. 0n at `ready` and `read`. */
  readonly packet: bigint;
  /** The cookie of its socket from `tcp` to `read`, and of the one that sent it where that is told; else 0n. */
  readonly cookie: bigint;
  /** Inode number of the namespace of the interface, inside TCP of the socket; 0: not known. */
  readonly netns: number;
  readonly family: 4 | 6;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  /** TCP sequence number (32 bits); at `ready` and `read`: how far the socket has come. */
  readonly seq: number;
  readonly ack: number;
  /** Bytes. */
  readonly payload: number;
  /** As in the header, not scaled. */
  readonly window: number;
  /** How many GSO will make of it, or GRO has put together; else 1. */
  readonly segments: number;
  /** RFC 9293 section 3.1, FIN the lowest bit. */
  readonly flags: number;
  readonly interfaceIndex: number;
  /** '' where it has none. */
  readonly interfaceName: string;
  /** Logical number. */
  readonly cpu: number;
  /** `enum skb_drop_reason` of the running kernel, at `lost`. */
  readonly reason: number;
  /** Its connection is not observed. */
  readonly isUnobserved: boolean;
  /** The context of the request whose bytes it has. */
  readonly context?: RequestContext;
  /** The HTTP/2 stream whose bytes it has. */
  readonly stream?: number;
}

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

/** A packet that a stage of its way held longer than the threshold: found where ways are joined, not by the kernel. */
export interface SlowPacketRecord {
  readonly kind: 'slow_packet';
  /** When it was seen first, CLOCK_MONOTONIC nanoseconds. */
  readonly timeNs: bigint;
  /** When it was seen last. */
  readonly endNs: bigint;
  /** Whose socket sent it; the host: not known. */
  readonly owner: Owner;
  /** That socket's; 0n and 0: not known. */
  readonly cookie: bigint;
  readonly netns: number;
  /** What its headers said first. */
  readonly head: PacketRecord;
  readonly stages: readonly Stage[];
  /** The longest of them. */
  readonly longest: Stage;
  /** `enum skb_drop_reason`; undefined: it was not lost. */
  readonly lostReason?: number;
  readonly context?: RequestContext;
  readonly stream?: number;
}
