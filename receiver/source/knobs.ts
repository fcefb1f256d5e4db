import type { BpfSession } from '../../native/index.ts';
import type { Plan } from './plan.ts';

/** What the kernel side is told before it loads; see bpf/include/maps.bpf.h. */
export interface KernelOptions {
  /** Bytes, a power of two. */
  readonly ringBufferBytes: number;
  readonly maxSeries: number;
  readonly maxOwners: number;
  readonly costlyVariants: boolean;
  readonly emit: {
    readonly open: boolean;
    readonly accept: boolean;
    readonly fail: boolean;
    readonly close: boolean;
    readonly state: boolean;
    readonly listener: boolean;
    readonly retransmit: 'off' | 'correlated' | 'on';
    readonly handshake: boolean;
  };
  readonly requests: boolean;
  readonly stateDuration: boolean;
  readonly rttVariation: boolean;
  readonly transferSize: boolean;
  /** Rows by peer address: of no one, of what clients connect to, or of everyone. */
  readonly peerAddress: 'off' | 'clients' | 'all';
  readonly retransmits: boolean;
  readonly drops: boolean;
  readonly softirqs: boolean;
  readonly softirqDuration: boolean;
}

const MAX_STATE_ROWS = 16_384;
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
  consumedReason: number,
): void {
  const u8 = (name: string, value: boolean | number): void =>
    session.setVariable(name, Uint8Array.of(Number(value)));
  const emitRetransmit = { off: 0, correlated: 1, on: 2 }[options.emit.retransmit];
  const values: Record<string, boolean | number> = {
    cfg_emit_open: options.emit.open,
    cfg_emit_accept: options.emit.accept,
    cfg_emit_fail: options.emit.fail,
    cfg_emit_close: options.emit.close,
    cfg_emit_state: options.emit.state,
    cfg_emit_listener: options.emit.listener,
    cfg_emit_handshake: options.emit.handshake,
    cfg_emit_retransmit: emitRetransmit,
    cfg_state_duration: options.stateDuration,
    cfg_rtt_variation: options.rttVariation,
    cfg_transfer_size: options.transferSize,
    cfg_peer_address: { off: 0, clients: 1, all: 2 }[options.peerAddress],
    cfg_requests: options.requests,
    cfg_accept_by_address: plan.accept === 'sys_exit',
    cfg_retransmit_has_err: plan.hasRetransmitError,
    cfg_drop_has_reason: plan.hasDropReason,
    cfg_drop_has_rx_sk: plan.hasDropReceiver,
    cfg_softirq_duration: options.softirqDuration,
  };
  for (const [name, value] of Object.entries(values)) u8(name, value);
  session.setVariable('cfg_agent_pid', u32(process.pid));
  session.setVariable('cfg_drop_consumed', u32(consumedReason));
  session.setVariable('cfg_ring_wakeup_bytes', u64(BigInt(options.ringBufferBytes >> 1)));
  const [accept, accept4] = ACCEPT_NUMBERS[process.arch] ?? [0n, 0n];
  session.setVariable('cfg_accept_nr', new Uint8Array(new BigUint64Array([accept, accept4]).buffer));
  session.setMaxEntries('events', options.ringBufferBytes);
  session.setMaxEntries('series', options.maxSeries);
  session.setMaxEntries('owners', options.maxOwners);
  if (options.stateDuration) session.setMaxEntries('state_durations', MAX_STATE_ROWS);
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
