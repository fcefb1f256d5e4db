import type { RecordDecoder } from '../../decode/batch.ts';
import { ENDPOINTS, PROBE_ID, RECORD_KIND, STATE_RECORD } from '../../decode/generated/layout.ts';
import { STATE_NAMES } from '../../decode/names.ts';
import type { OwnerTable } from '../../decode/owners.ts';
import { decodeSocket } from '../../decode/socket.ts';
import type { StateRecord } from '../../model/record.ts';

/** Being filled. */
type Draft = { -readonly [K in keyof StateRecord]: StateRecord[K] };

/** Spreading the parts together would halve what is decoded in a second. */
function decodeState(view: DataView, at: number, owners: OwnerTable): StateRecord | undefined {
  const state = STATE_NAMES[view.getUint8(at + STATE_RECORD.endpoints + ENDPOINTS.state)];
  const previous = STATE_NAMES[view.getUint8(at + STATE_RECORD.previous)];
  if (state === undefined || previous === undefined) return undefined;
  const { timeNs, cookie, netns, owner, role, endpoints } = decodeSocket(view, at, owners);
  const record: Draft = { kind: 'state', timeNs, cookie, netns, owner, endpoints, state, previous };
  if (role !== undefined) record.role = role;
  return record;
}

/** `struct state_record`. */
export const stateDecoder: RecordDecoder<StateRecord> = {
  kind: RECORD_KIND.RECORD_STATE,
  size: STATE_RECORD.size,
  decode: decodeState,
  probeOf: () => PROBE_ID.PROBE_STATE,
};
