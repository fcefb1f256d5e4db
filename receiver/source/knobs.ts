import { tickNs, type BpfSession } from '../../native/index.ts';
import { SUBNET_KEY } from '../decode/generated/layout.ts';
import type { KernelFilter } from './filter.ts';
import { mapSizes } from './map-sizes.ts';
import { detailKnobs, type RowDetails } from './row-details.ts';
import type { Plan } from './plan.ts';
import { setSlowKnobs, type SlowOptions } from './slow-knobs.ts';

/** `address` is text; `prefixLength` counts its family's bits. */
export interface Subnet {
  readonly address: string;
  readonly prefixLength: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** What the kernel side is told before it loads; see bpf/lib/config.bpf.h. */
export interface KernelOptions extends SlowOptions {
  /** Bytes, a power of two. */
  readonly ringBufferBytes: number;
  readonly maxSeries: number;
  /** Kept by address; see bpf/lib/track.bpf.h. */
  readonly maxSockets: number;
  readonly maxOwners: number;
  readonly costlyVariants: boolean;
  readonly emit: SlowOptions['emit'] & {
    readonly open: boolean;
    readonly accept: boolean;
    readonly fail: boolean;
    readonly close: 'off' | 'correlated' | 'on';
    readonly state: boolean;
    readonly listener: boolean;
    readonly retransmit: 'off' | 'correlated' | 'on';
    readonly handshake: boolean;
    readonly drop: 'off' | 'correlated' | 'on';
    readonly reset: boolean;
  };
  readonly requests: boolean;
  readonly stateDuration: boolean;
  readonly rttVariation: boolean;
  readonly transferSize: boolean;
  /** Rows by peer address: of no one, of what clients connect to, or of everyone. */
  readonly peerAddress: 'off' | 'clients' | 'all';
  readonly details: RowDetails;
  readonly retransmits: boolean;
  readonly drops: boolean;
  readonly dropStacks: boolean;
  readonly resets: boolean;
  /** Peer subnets, narrowest match wins; at most 256. */
  readonly subnets: readonly Subnet[];
  readonly softirqs: boolean;
  readonly softirqDuration: boolean;
  readonly softirqWait: boolean;
  /** What is observed; it can be changed later. */
  readonly filter: KernelFilter;
}

/** `accept` and `accept4`: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const ACCEPT_NUMBERS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  x64: [43n, 288n],
  arm64: [202n, 242n],
};

/** Sets every knob and map size of an opened session. */
export function setKnobs(
  session: BpfSession,
  plan: Plan,
  options: KernelOptions,
  reasons: Readonly<Record<string, number>>,
): void {
  const modes = { off: 0, correlated: 1, on: 2 } as const;
  const values: Record<string, boolean | number> = {
    cfg_emit_open: options.emit.open,
    cfg_emit_accept: options.emit.accept,
    cfg_emit_fail: options.emit.fail,
    cfg_emit_close: modes[options.emit.close],
    cfg_emit_state: options.emit.state,
    cfg_emit_listener: options.emit.listener,
    cfg_emit_handshake: options.emit.handshake,
    cfg_emit_retransmit: modes[options.emit.retransmit],
    cfg_emit_drop: modes[options.emit.drop],
    cfg_emit_reset: options.emit.reset,
    cfg_drop_stack: options.dropStacks,
    cfg_sees_resets: plan.attached.some(({ program }) => program === 'ws_reset_received'),
    cfg_reset_has_reason: plan.hasResetReason,
    cfg_conn_table: plan.isConnTable,
    cfg_state_duration: options.stateDuration,
    cfg_rtt_variation: options.rttVariation,
    cfg_transfer_size: options.transferSize,
    cfg_peer_address: { off: 0, clients: 1, all: 2 }[options.peerAddress],
    cfg_requests: options.requests,
    cfg_requests_by_address: plan.isRequestByAddress,
    cfg_accept_by_address: plan.isAcceptByAddress,
    cfg_retransmit_has_err: plan.hasRetransmitError,
    cfg_drop_has_reason: plan.hasDropReason,
    cfg_drop_has_rx_sk: plan.hasDropReceiver,
    cfg_softirq_duration: options.softirqDuration,
    cfg_softirq_wait: options.softirqWait,
    ...detailKnobs(options.details),
  };
  for (const [name, value] of Object.entries(values)) session.setVariable(name, Uint8Array.of(Number(value)));
  setSlowKnobs(session, options);
  session.setVariable('cfg_tick_ns', u32(tickNs()));
  session.setVariable('cfg_drop_consumed', u32(reasons['SKB_CONSUMED'] ?? 0));
  session.setVariable('cfg_drop_queue_purge', u32(reasons['SKB_DROP_REASON_QUEUE_PURGE'] ?? 0));
  session.setVariable('cfg_subnets', u32(options.subnets.length));
  session.setVariable('cfg_ring_wakeup_bytes', u64(BigInt(options.ringBufferBytes >> 1)));
  const acceptNumbers = BigUint64Array.from(ACCEPT_NUMBERS[process.arch] ?? [0n, 0n]);
  session.setVariable('cfg_accept_nr', new Uint8Array(acceptNumbers.buffer));
  // Maps that nobody needs keep one entry.
  for (const [map, entries] of Object.entries(mapSizes(options, plan))) session.setMaxEntries(map, entries);
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}

export function u64(value: bigint): Uint8Array {
  return new Uint8Array(new BigUint64Array([value]).buffer);
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

/** `struct subnet_key`: IPv4 lies in ::ffff:0:0/96. */
export function subnetKey({ address, prefixLength, family }: Subnet): Uint8Array {
  const key = new Uint8Array(SUBNET_KEY.size);
  const bits = family === 'ipv4' ? 96 + prefixLength : prefixLength;
  key.set(u32(bits), SUBNET_KEY.prefix_length);
  key.set(family === 'ipv4' ? ipv4Bytes(address) : ipv6Bytes(address), SUBNET_KEY.address);
  return key;
}

function ipv4Bytes(address: string): number[] {
  return [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...address.split('.').map(Number)];
}

function ipv6Bytes(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (dotted !== null) {
    const [a, b, c, d] = dotted.slice(2).map(Number) as [number, number, number, number];
    return ipv6Bytes(`${String(dotted[1])}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const left = groups(head);
  const right = groups(tail ?? '');
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
