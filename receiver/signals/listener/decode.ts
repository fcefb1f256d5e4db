import type { RecordDecoder } from '../../decode/batch.ts';
import { LISTENER_RECORD, PROBE_ID, RECORD_KIND } from '../../decode/generated/layout.ts';
import type { OwnerTable } from '../../decode/owners.ts';
import { decodeSocket } from '../../decode/socket.ts';
import type { ListenerRecord } from '../../model/record.ts';

function decodeListener(view: DataView, at: number, owners: OwnerTable): ListenerRecord {
  const stop = view.getUint8(at + LISTENER_RECORD.stop) !== 0;
  return {
    kind: stop ? 'listener_stop' : 'listener_start',
    ...decodeSocket(view, at, owners),
    backlog: view.getUint32(at + LISTENER_RECORD.backlog, true),
  };
}

/** `struct listener_record`. */
export const listenerDecoder: RecordDecoder<ListenerRecord> = {
  kind: RECORD_KIND.RECORD_LISTENER,
  size: LISTENER_RECORD.size,
  decode: decodeListener,
  probeOf: () => PROBE_ID.PROBE_STATE,
};
