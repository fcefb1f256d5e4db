import type { RecordDecoder } from '../../decode/batch.ts';
import { ENDPOINTS, PROBE_ID, RECORD_KIND, RESET_RECORD } from '../../decode/generated/layout.ts';
import { STATE_NAMES } from '../../decode/names.ts';
import type { OwnerTable } from '../../decode/owners.ts';
import { decodeSocket } from '../../decode/socket.ts';
import type { ResetRecord } from '../../model/record.ts';

function decodeReset(view: DataView, at: number, owners: OwnerTable): ResetRecord {
  const state = STATE_NAMES[view.getUint8(at + RESET_RECORD.endpoints + ENDPOINTS.state)];
  return {
    kind: 'reset',
    ...decodeSocket(view, at, owners),
    direction: view.getUint8(at + RESET_RECORD.received) === 0 ? 'transmit' : 'receive',
    reason: view.getUint8(at + RESET_RECORD.reason),
    ...(state !== undefined && { state }),
  };
}

/** `struct reset_record`. */
export const resetDecoder: RecordDecoder<ResetRecord> = {
  kind: RECORD_KIND.RECORD_RESET,
  size: RESET_RECORD.size,
  decode: decodeReset,
  probeOf: () => PROBE_ID.PROBE_RESET,
};
