import type { DnsAnswerRecord } from './dns-answer.ts';
import type { ExchangePhases } from './exchange-phases.ts';
import type { Http2Record } from './http2-record.ts';
import type { PacketRecord, SlowPacketRecord } from './packets.ts';
import type { RequestContext } from './request-context.ts';
import type { Owner } from './resource.ts';
import type { Wakeup } from './wakeup.ts';
import type { ZeroWindow } from './zero-window.ts';

export type { RequestContext } from './request-context.ts';

/** Addresses as text; IPv4-mapped IPv6 addresses are already plain IPv4. */
export interface Endpoints {
  readonly family: 4 | 6;
  readonly localAddress: string;
  readonly localPort: number;
  readonly peerAddress: string;
  readonly peerPort: number;
}

export type HandshakeRole = 'client' | 'server';

/** What every record about one socket carries. Times are CLOCK_MONOTONIC nanoseconds. */
export interface SocketRecord {
  readonly timeNs: bigint;
  /** Socket cookie; unique until the next boot. */
  readonly cookie: bigint;
  /** Inode number of the socket's network namespace. */
  readonly netns: number;
  readonly owner: Owner;
  /** Absent when not known; never guessed. */
  readonly role?: HandshakeRole;
  readonly endpoints: Endpoints;
}

/** A step in the life of a connection. Times that are not known are 0n. */
export interface ConnectionRecord extends SocketRecord {
  /**
   * `handshake`: a client handshake that the request in `context` caused; `live`: it moved payload since the last pass,
   * for views alone.
   */
  readonly kind: 'open' | 'accept' | 'fail' | 'close' | 'handshake' | 'live';
  /** `network.connection.state`; `live` alone has it. */
  readonly state?: string;
  /** First SYN (client) or SYN-ACK (server); as `establishedNs` where that is not known. */
  readonly handshakeStartNs: bigint;
  readonly establishedNs: bigint;
  /** Return of `accept()`. */
  readonly acceptedNs: bigint;
  /** `error.type`, present if and only if the attempt or the connection failed. */
  readonly error?: string;
  /** `wirespan.tcp.close.reason`. */
  readonly closeReason?: string;
  /** Payload bytes. */
  readonly bytesSent: bigint;
  readonly bytesReceived: bigint;
  readonly segmentsSent: number;
  readonly segmentsReceived: number;
  readonly segmentsRetransmitted: number;
  /** Microseconds; 0 without a sample. */
  readonly rttSmoothedUs: number;
  /** Microseconds; 0 without a sample. */
  readonly rttMinUs: number;
  /** Microseconds, backed off or not, as it stands now. */
  readonly rtoUs: number;
  /** Microseconds in which data waited because the peer's window was full. */
  readonly receiveWindowLimitedUs: number;
  /** Received; absent on kernels that do not count them. */
  readonly segmentsOutOfOrder?: number;
  readonly synRetransmits: number;
  /** The user who made the socket, by the initial user namespace; absent where that was not noted. */
  readonly uid?: number;
  readonly context?: RequestContext;
  /** True when the connection is older than the agent. */
  readonly preexisting: boolean;
}

/** A TCP state transition; states are `network.connection.state` values. */
export interface StateRecord extends SocketRecord {
  readonly kind: 'state';
  readonly state: string;
  readonly previous: string;
}

/** A listening socket appeared or went. The peer of `endpoints` means nothing. */
export interface ListenerRecord extends SocketRecord {
  readonly kind: 'listener_start' | 'listener_stop';
  /** After the `somaxconn` clamp. */
  readonly backlog: number;
}

/** A listener's queue was full since the last look at it. The peer of `endpoints` means nothing. */
export interface QueueOverflowRecord extends SocketRecord {
  readonly kind: 'queue_overflow';
  /** After the `somaxconn` clamp. */
  readonly backlog: number;
  /** `wirespan.tcp.syn_queue.action`; absent when it was the accept queue. */
  readonly action?: string;
}

/** A segment was sent again. */
export interface RetransmitRecord extends SocketRecord {
  readonly kind: 'retransmit';
  /** `wirespan.tcp.retransmit.type`. */
  readonly type: string;
  /** `network.connection.state`. */
  readonly state: string;
  /** Sequence numbers (32 bits) of the half-open interval `[seq, endSeq)` sent again. */
  readonly seq: number;
  readonly endSeq: number;
  /** Segments in it; more than one for a super-segment. */
  readonly segments: number;
  /** The context of the first request that owns a byte of the interval; absent without evidence. */
  readonly context?: RequestContext;
  /** The first HTTP/2 stream that owns a byte of it; absent where that is not known. */
  readonly stream?: number;
  /** The exchange of that request goes on, and the kernel will tell its end. */
  readonly isInExchange?: boolean;
}

/** What is known so far of a request with a sampled context, and of its response. Times that are not known are 0n. */
export interface ExchangeRecord extends SocketRecord {
  readonly kind: 'exchange';
  /**
   * It is eventful, and its response has begun (of a server: is acknowledged so far); the next request begins; its
   * connection is over.
   */
  readonly what: 'answered' | 'ended' | 'closed';
  /** Something happened to it, or its response was slow. */
  readonly isEventful: boolean;
  /**
   * First and last byte of the response so far: when they came, or when a server wrote the first and had the last
   * acknowledged. 0n also where responses cannot be told apart.
   */
  readonly firstNs: bigint;
  readonly lastNs: bigint;
  /** Payload of the request, or of the response at a server; the other one is received. */
  readonly bytesSent: bigint;
  readonly bytesReceived: bigint;
  /** That the connection sent again meanwhile. */
  readonly segmentsRetransmitted: number;
  /** Microseconds; 0 without a sample. */
  readonly rttSmoothedUs: number;
  /** `error.type` of one whose connection ended before its response, unless this end ended it. */
  readonly error?: string;
  /** `wirespan.tcp.close.reason`, when its connection is over. */
  readonly closeReason?: string;
  readonly context?: RequestContext;
  /** Where it was asked how exchanges divide. */
  readonly phases?: ExchangePhases;
}

/** An RST on a connection. */
export interface ResetRecord extends SocketRecord {
  readonly kind: 'reset';
  readonly direction: 'transmit' | 'receive';
  /** `enum sk_rst_reason` of the running kernel; 0 when it has none. */
  readonly reason: number;
  /** `network.connection.state`. */
  readonly state?: string;
}

/** A packet that the kernel freed with a drop reason. Addresses and ports are the packet's. */
export interface DropRecord {
  readonly kind: 'drop';
  readonly timeNs: bigint;
  /** The cookie of the packet's socket; 0n without one. */
  readonly cookie: bigint;
  readonly netns: number;
  readonly owner: Owner;
  readonly family: 4 | 6;
  /** '' when the packet had no header yet. */
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  /** The port of the packet's socket; 0 without one. */
  readonly localPort: number;
  readonly peerPort: number;
  /** The flags of its TCP header (RFC 9293 section 3.1), FIN the lowest bit; 0 when it had none yet. */
  readonly flags: number;
  /** `enum skb_drop_reason` of the running kernel. */
  readonly reason: number;
  /** Kernel address of the call that freed it. */
  readonly location: bigint;
  /** Kernel addresses, innermost first; empty unless asked for. */
  readonly stack: readonly bigint[];
  /** '' for a packet that has left its interface. */
  readonly interfaceName: string;
  readonly state?: string;
  readonly context?: RequestContext;
  /** As of a retransmission. */
  readonly stream?: number;
}

/** A latency above its threshold. */
export interface LatencyRecord extends SocketRecord {
  readonly kind: 'latency';
  /** `wirespan.latency.kind`. */
  readonly what: string;
  readonly valueNs: bigint;
}

/** A softirq that waited for its handler, or ran in it, longer than its threshold. */
export interface SoftirqRecord {
  readonly kind: 'softirq';
  /** The end of its run, CLOCK_MONOTONIC nanoseconds. */
  readonly timeNs: bigint;
  /** `wirespan.softirq.vector`. */
  readonly vector: string;
  /** The host: a softirq is nobody's. */
  readonly owner: Owner;
  /** Logical number. */
  readonly cpu: number;
  /** Absent in recordings of waits, by earlier versions. */
  readonly runNs?: bigint;
  /** From its raising until its handler; absent: nobody saw it raised. */
  readonly waitNs?: bigint;
}

/** A reader that ran later than the threshold after data was ready for it: its process is the owner. */
export interface WakeupRecord extends SocketRecord, Wakeup {
  readonly kind: 'wakeup';
}

/** What waited for a peer's window longer than the threshold. Its time: when that ended. */
export interface ZeroWindowRecord extends SocketRecord, ZeroWindow {
  readonly kind: 'zero_window';
  /** Whose the first byte is that waited. */
  readonly context?: RequestContext;
  /** As of a retransmission. */
  readonly stream?: number;
}

/** The kernel saw an owner for the first time (or with another executable). */
export interface OwnerRecord {
  readonly kind: 'owner';
  readonly owner: Owner;
}

export type KernelRecord =
  | ConnectionRecord
  | StateRecord
  | ListenerRecord
  | RetransmitRecord
  | ResetRecord
  | DropRecord
  | LatencyRecord
  | SoftirqRecord
  | WakeupRecord
  | ZeroWindowRecord
  | ExchangeRecord
  | Http2Record
  | DnsAnswerRecord
  | PacketRecord
  | OwnerRecord;

/** What events are made of: what the kernel told, and what looks at the host found. */
export type SignalRecord = KernelRecord | QueueOverflowRecord | SlowPacketRecord;

/** Words for the running kernel's numbers. */
export interface KernelNames {
  /** `wirespan.packet.drop.reason`. */
  dropReason(reason: number): string;
  /** `wirespan.tcp.reset.reason`; undefined when the kernel gave none. */
  resetReason(reason: number): string | undefined;
  /** The kernel function that holds this address; undefined when it cannot be told. */
  functionAt(address: bigint): string | undefined;
}
