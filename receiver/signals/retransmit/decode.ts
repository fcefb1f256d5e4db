import { TCP_RETRANSMIT_TYPE_VALUE_SYN_ACK } from '../../../semconv/index.ts';
import type { RecordDecoder } from '../../decode/batch.ts';
import { ENDPOINTS, PROBE_ID, RECORD_KIND, RETRANSMIT_RECORD } from '../../decode/generated/layout.ts';
import { RETRANSMIT_TYPE_NAMES, STATE_NAMES } from '../../decode/names.ts';
import type { OwnerTable } from '../../decode/owners.ts';
import { decodeContext, decodeSocket, decodeStream } from '../../decode/socket.ts';
import type { RetransmitRecord } from '../../model/record.ts';

function decodeRetransmit(view: DataView, at: number, owners: OwnerTable): RetransmitRecord | undefined {
  const type = RETRANSMIT_TYPE_NAMES[view.getUint8(at + RETRANSMIT_RECORD.type)];
  const state = STATE_NAMES[view.getUint8(at + RETRANSMIT_RECORD.endpoints + ENDPOINTS.state)];
  if (type === undefined || state === undefined) return undefined;
  const context = decodeContext(view, at + RETRANSMIT_RECORD.context);
  const stream = decodeStream(view, at + RETRANSMIT_RECORD.stream);
  return {
    kind: 'retransmit',
    ...decodeSocket(view, at, owners),
    type,
    state,
    seq: view.getUint32(at + RETRANSMIT_RECORD.seq, true),
    endSeq: view.getUint32(at + RETRANSMIT_RECORD.end_seq, true),
    segments: view.getUint32(at + RETRANSMIT_RECORD.segments, true),
    ...(context !== undefined && { context }),
    ...(stream !== undefined && { stream }),
    ...(view.getUint8(at + RETRANSMIT_RECORD.in_exchange) !== 0 && { isInExchange: true }),
  };
}

/** `struct retransmit_record`. */
export const retransmitDecoder: RecordDecoder<RetransmitRecord> = {
  kind: RECORD_KIND.RECORD_RETRANSMIT,
  size: RETRANSMIT_RECORD.size,
  decode: decodeRetransmit,
  probeOf: ({ type }) =>
    type === TCP_RETRANSMIT_TYPE_VALUE_SYN_ACK ? PROBE_ID.PROBE_SYNACK : PROBE_ID.PROBE_RETRANSMIT,
};
