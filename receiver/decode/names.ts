import {
  LATENCY_KIND_VALUE_ACCEPT_QUEUE,
  LATENCY_KIND_VALUE_HANDSHAKE,
  LATENCY_KIND_VALUE_RECEIVE_QUEUE,
  LATENCY_KIND_VALUE_RTT,
  TCP_CLOSE_REASON_VALUE_LOCAL_FIN,
  TCP_CLOSE_REASON_VALUE_OTHER,
  TCP_CLOSE_REASON_VALUE_PEER_FIN,
  TCP_CLOSE_REASON_VALUE_PROCESS_EXIT,
  TCP_CLOSE_REASON_VALUE_RESET_RECEIVED,
  TCP_CLOSE_REASON_VALUE_RESET_SENT,
  TCP_CLOSE_REASON_VALUE_TIMEOUT,
  TCP_RETRANSMIT_TYPE_VALUE_FAST,
  TCP_RETRANSMIT_TYPE_VALUE_OTHER,
  TCP_RETRANSMIT_TYPE_VALUE_SYN,
  TCP_RETRANSMIT_TYPE_VALUE_SYN_ACK,
  TCP_RETRANSMIT_TYPE_VALUE_TAIL_LOSS_PROBE,
  TCP_RETRANSMIT_TYPE_VALUE_TIMEOUT,
  TCP_ZERO_WINDOW_END_VALUE_OPENED,
  TCP_ZERO_WINDOW_END_VALUE_RESET,
} from '../../semconv/index.ts';
import {
  CLOSE_REASON,
  CONNECTION_ERROR,
  LATENCY_KIND,
  RETRANSMIT_TYPE,
  ROLE,
  ZERO_WINDOW_END,
} from './generated/layout.ts';

/** Names by number of an enum; each of its enumerators has one. */
function namesOf<
  N extends Readonly<Record<string, number>>,
  const M extends Readonly<Record<keyof N, string | undefined>>,
>(numbers: N, names: M): readonly M[keyof N][] {
  const list: M[keyof N][] = [];
  for (const [key, number] of Object.entries(numbers)) list[number] = names[key as keyof N];
  return list;
}

/** `enum close_reason` to `wirespan.tcp.close.reason`. */
export const CLOSE_REASON_NAMES = namesOf(CLOSE_REASON, {
  CLOSE_LOCAL_FIN: TCP_CLOSE_REASON_VALUE_LOCAL_FIN,
  CLOSE_PEER_FIN: TCP_CLOSE_REASON_VALUE_PEER_FIN,
  CLOSE_RESET_SENT: TCP_CLOSE_REASON_VALUE_RESET_SENT,
  CLOSE_RESET_RECEIVED: TCP_CLOSE_REASON_VALUE_RESET_RECEIVED,
  CLOSE_TIMEOUT: TCP_CLOSE_REASON_VALUE_TIMEOUT,
  CLOSE_PROCESS_EXIT: TCP_CLOSE_REASON_VALUE_PROCESS_EXIT,
  CLOSE_OTHER: TCP_CLOSE_REASON_VALUE_OTHER,
  CLOSE_NONE: TCP_CLOSE_REASON_VALUE_OTHER,
});

/** `enum retransmit_type` to `wirespan.tcp.retransmit.type`. */
export const RETRANSMIT_TYPE_NAMES = namesOf(RETRANSMIT_TYPE, {
  RETRANSMIT_FAST: TCP_RETRANSMIT_TYPE_VALUE_FAST,
  RETRANSMIT_TIMEOUT: TCP_RETRANSMIT_TYPE_VALUE_TIMEOUT,
  RETRANSMIT_TLP: TCP_RETRANSMIT_TYPE_VALUE_TAIL_LOSS_PROBE,
  RETRANSMIT_SYN: TCP_RETRANSMIT_TYPE_VALUE_SYN,
  RETRANSMIT_SYN_ACK: TCP_RETRANSMIT_TYPE_VALUE_SYN_ACK,
  RETRANSMIT_OTHER: TCP_RETRANSMIT_TYPE_VALUE_OTHER,
});

/** `enum zero_window_end` to `wirespan.tcp.zero_window.end`. */
export const ZERO_WINDOW_END_NAMES = namesOf(ZERO_WINDOW_END, {
  ZERO_WINDOW_OPENED: TCP_ZERO_WINDOW_END_VALUE_OPENED,
  ZERO_WINDOW_RESET: TCP_ZERO_WINDOW_END_VALUE_RESET,
});

/** `enum latency_kind` to `wirespan.latency.kind`. */
export const LATENCY_KIND_NAMES = namesOf(LATENCY_KIND, {
  LATENCY_HANDSHAKE: LATENCY_KIND_VALUE_HANDSHAKE,
  LATENCY_ACCEPT_QUEUE: LATENCY_KIND_VALUE_ACCEPT_QUEUE,
  LATENCY_RECEIVE_QUEUE: LATENCY_KIND_VALUE_RECEIVE_QUEUE,
  LATENCY_RTT: LATENCY_KIND_VALUE_RTT,
});

/** Kernel TCP state numbers (include/net/tcp_states.h, UAPI) to `network.connection.state`. */
export const STATE_NAMES = [
  undefined,
  'established',
  'syn_sent',
  'syn_received',
  'fin_wait_1',
  'fin_wait_2',
  'time_wait',
  'closed',
  'close_wait',
  'last_ack',
  'listen',
  'closing',
  'syn_received',
] as const;

/** `enum role` to `wirespan.tcp.handshake.role`. */
export const ROLE_NAMES = namesOf(ROLE, {
  ROLE_UNKNOWN: undefined,
  ROLE_CLIENT: 'client',
  ROLE_SERVER: 'server',
  ROLE_LISTENER: undefined,
});

/** Softirq vectors (include/linux/interrupt.h) to `wirespan.softirq.vector`. */
export const SOFTIRQ_NAMES = [
  'hi',
  'timer',
  'net_tx',
  'net_rx',
  'block',
  'irq_poll',
  'tasklet',
  'sched',
  'hrtimer',
  'rcu',
] as const;

/** errno (asm-generic) to `error.type`, semconv.md 1.7. */
const ERROR_NAMES: Readonly<Record<number, string>> = {
  1: 'access_denied',
  4: 'interrupted',
  12: 'no_buffer_space_available',
  13: 'access_denied',
  32: 'broken_pipe',
  98: 'address_already_in_use',
  99: 'address_not_available',
  100: 'network_down',
  101: 'network_unreachable',
  103: 'connection_aborted',
  104: 'connection_reset',
  105: 'no_buffer_space_available',
  110: 'timed_out',
  111: 'connection_refused',
  113: 'host_unreachable',
  [CONNECTION_ERROR.ERROR_CANCELLED]: 'cancelled',
};

/** `error.type` of a wire error number; undefined for none. */
export function errorTypeOf(error: number): string | undefined {
  if (error === CONNECTION_ERROR.NO_ERROR) return undefined;
  return ERROR_NAMES[error] ?? '_OTHER';
}
