import type { KernelRecord } from '../record.ts';
import { PROBE_ID } from './generated/layout.ts';

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
    case 'open':
    case 'fail':
    case 'close':
    case 'state':
    case 'listener_start':
    case 'listener_stop':
      return PROBE_ID.PROBE_STATE;
  }
}
