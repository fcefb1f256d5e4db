import type { BpfSession } from '../../native/index.ts';

/** Microseconds above which a record is made; 0: never. */
export interface SlowThresholds {
  readonly handshakeUs: number;
  readonly acceptQueueUs: number;
  readonly receiveQueueUs: number;
  readonly rttUs: number;
  readonly softirqRunUs: number;
  readonly softirqWaitUs: number;
}

/** What the kernel side is told of latencies. */
export interface SlowOptions {
  readonly emit: { readonly latency: boolean; readonly softirqSlow: boolean };
  readonly thresholds: SlowThresholds;
  /** Data is followed until it is read: programs that run for each segment. */
  readonly receive: boolean;
  readonly receiveDuration: boolean;
}

export function setSlowKnobs(session: BpfSession, options: SlowOptions): void {
  const { emit, thresholds, receive, receiveDuration } = options;
  const nanoseconds = {
    cfg_slow_handshake_ns: emit.latency && thresholds.handshakeUs,
    cfg_slow_accept_ns: emit.latency && thresholds.acceptQueueUs,
    cfg_slow_receive_ns: emit.latency && thresholds.receiveQueueUs,
    cfg_slow_rtt_ns: emit.latency && thresholds.rttUs,
    cfg_slow_softirq_run_ns: emit.softirqSlow && thresholds.softirqRunUs,
    cfg_slow_softirq_wait_ns: emit.softirqSlow && thresholds.softirqWaitUs,
  };
  for (const [name, us] of Object.entries(nanoseconds))
    session.setVariable(name, new Uint8Array(new BigUint64Array([BigInt(Number(us)) * 1000n]).buffer));
  session.setVariable('cfg_receive', Uint8Array.of(Number(receive)));
  session.setVariable('cfg_receive_duration', Uint8Array.of(Number(receiveDuration)));
}
