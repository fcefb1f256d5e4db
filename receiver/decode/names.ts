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
} from '../../semconv/index.ts';

/** `enum close_reason` to `wirespan.tcp.close.reason`. */
export const CLOSE_REASON_NAMES = [
  TCP_CLOSE_REASON_VALUE_LOCAL_FIN,
  TCP_CLOSE_REASON_VALUE_PEER_FIN,
  TCP_CLOSE_REASON_VALUE_RESET_SENT,
  TCP_CLOSE_REASON_VALUE_RESET_RECEIVED,
  TCP_CLOSE_REASON_VALUE_TIMEOUT,
  TCP_CLOSE_REASON_VALUE_PROCESS_EXIT,
  TCP_CLOSE_REASON_VALUE_OTHER,
  TCP_CLOSE_REASON_VALUE_OTHER,
] as const;

/** `enum retransmit_type` to `wirespan.tcp.retransmit.type`. */
export const RETRANSMIT_TYPE_NAMES = [
  TCP_RETRANSMIT_TYPE_VALUE_FAST,
  TCP_RETRANSMIT_TYPE_VALUE_TIMEOUT,
  TCP_RETRANSMIT_TYPE_VALUE_TAIL_LOSS_PROBE,
  TCP_RETRANSMIT_TYPE_VALUE_SYN,
  TCP_RETRANSMIT_TYPE_VALUE_SYN_ACK,
  TCP_RETRANSMIT_TYPE_VALUE_OTHER,
] as const;

/** `enum latency_kind` to `wirespan.latency.kind`. */
export const LATENCY_KIND_NAMES = [
  LATENCY_KIND_VALUE_HANDSHAKE,
  LATENCY_KIND_VALUE_ACCEPT_QUEUE,
  LATENCY_KIND_VALUE_RECEIVE_QUEUE,
  LATENCY_KIND_VALUE_RTT,
] as const;

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
export const ROLE_NAMES = [undefined, 'client', 'server', undefined] as const;

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
  254: 'cancelled',
};

/** `error.type` of a wire error number; undefined for none. */
export function errorTypeOf(error: number): string | undefined {
  if (error === 0) return undefined;
  return ERROR_NAMES[error] ?? '_OTHER';
}
