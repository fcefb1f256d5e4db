import { LATENCY_KIND_VALUE_ACCEPT_QUEUE, LATENCY_KIND_VALUE_RECEIVE_QUEUE } from '../../semconv/index.ts';
import type { KernelRecord } from '../model/record.ts';
import { PROBE_ID } from './generated/layout.ts';

const LATENCY_PROBES: Readonly<Record<string, number>> = {
  [LATENCY_KIND_VALUE_ACCEPT_QUEUE]: PROBE_ID.PROBE_ACCEPT,
  [LATENCY_KIND_VALUE_RECEIVE_QUEUE]: PROBE_ID.PROBE_RECEIVE,
};

/** The probe that made a record: of `enum probe_id`, as the kernel counts what it submitted. */
export function probeOf(record: KernelRecord): number {
  switch (record.kind) {
    case 'accept':
      return PROBE_ID.PROBE_ACCEPT;
    case 'handshake':
      return PROBE_ID.PROBE_REQUEST;
    case 'retransmit':
      return record.type === 'syn_ack' ? PROBE_ID.PROBE_SYNACK : PROBE_ID.PROBE_RETRANSMIT;
    case 'drop':
      return PROBE_ID.PROBE_DROP;
    case 'reset':
      return PROBE_ID.PROBE_RESET;
    case 'owner':
      return PROBE_ID.PROBE_OWNER;
    case 'softirq':
      return PROBE_ID.PROBE_SOFTIRQ;
    case 'latency':
      return LATENCY_PROBES[record.what] ?? PROBE_ID.PROBE_STATE;
    case 'open':
    case 'fail':
    case 'close':
    case 'state':
    case 'listener_start':
    case 'listener_stop':
      return PROBE_ID.PROBE_STATE;
  }
}
