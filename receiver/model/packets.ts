import type { Owner } from './resource.ts';

/** Which packets a view shows the ways of; the kernel makes no record of others. */
export interface PacketsWanted {
  /** One of them is an end's; empty: any. */
  readonly ports: readonly number[];
  /** An end has it; undefined: any. */
  readonly address: string | undefined;
  /** Until the application read them; else until TCP has them. */
  readonly reads: boolean;
}

/** Where a packet is, in the order of a way from one end to the other; bpf/contract/packet.h says what each means. */
export type PacketPoint =
  'queue' | 'transmit' | 'backlog' | 'receive' | 'tcp' | 'ready' | 'read' | 'freed' | 'lost';

/** A TCP packet at one point of its way. `ready` and `read` are of its socket: they have no header. */
export interface PacketRecord {
  readonly kind: 'packet';
  /** CLOCK_MONOTONIC nanoseconds. */
  readonly timeNs: bigint;
  /** The host: whose it is, is not known at most points. */
  readonly owner: Owner;
  readonly point: PacketPoint;
  /** Kernel address of its buffer: no two have it at one time. 0n at `ready` and `read`. */
  readonly packet: bigint;
  /** The cookie of its socket from `tcp` to `read`, else 0n. */
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
}
