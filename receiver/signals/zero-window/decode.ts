import type { RecordDecoder } from '../../decode/batch.ts';
import { PROBE_ID, RECORD_KIND, ZERO_WINDOW_RECORD } from '../../decode/generated/layout.ts';
import { ZERO_WINDOW_END_NAMES } from '../../decode/names.ts';
import type { OwnerTable } from '../../decode/owners.ts';
import { decodeContext, decodeSocket, decodeStream } from '../../decode/socket.ts';
import type { ZeroWindowRecord } from '../../model/record.ts';

function decodeZeroWindow(view: DataView, at: number, owners: OwnerTable): ZeroWindowRecord | undefined {
  const end = ZERO_WINDOW_END_NAMES[view.getUint8(at + ZERO_WINDOW_RECORD.end)];
  if (end === undefined) return undefined;
  const context = decodeContext(view, at + ZERO_WINDOW_RECORD.context);
  const stream = decodeStream(view, at + ZERO_WINDOW_RECORD.stream);
  return {
    kind: 'zero_window',
    ...decodeSocket(view, at, owners),
    startNs: view.getBigUint64(at + ZERO_WINDOW_RECORD.start_ns, true),
    end,
    bytesWaiting: view.getUint32(at + ZERO_WINDOW_RECORD.waiting, true),
    announcements: view.getUint32(at + ZERO_WINDOW_RECORD.told, true),
    seq: view.getUint32(at + ZERO_WINDOW_RECORD.seq, true),
    ...(context !== undefined && { context }),
    ...(stream !== undefined && { stream }),
  };
}

/** `struct zero_window_record`. */
export const zeroWindowDecoder: RecordDecoder<ZeroWindowRecord> = {
  kind: RECORD_KIND.RECORD_ZERO_WINDOW,
  size: ZERO_WINDOW_RECORD.size,
  decode: decodeZeroWindow,
  probeOf: () => PROBE_ID.PROBE_ZERO_WINDOW,
};
