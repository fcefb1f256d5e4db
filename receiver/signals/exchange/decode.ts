import type { RecordDecoder } from '../../decode/batch.ts';
import { EXCHANGE_RECORD, EXCHANGE_WHAT, PROBE_ID, RECORD_KIND } from '../../decode/generated/layout.ts';
import { CLOSE_REASON_NAMES, errorTypeOf } from '../../decode/names.ts';
import type { OwnerTable } from '../../decode/owners.ts';
import { decodeContext, decodeSocket } from '../../decode/socket.ts';
import type { ExchangeRecord } from '../../model/record.ts';

const WHAT_NAMES: Readonly<Record<number, ExchangeRecord['what']>> = {
  [EXCHANGE_WHAT.EXCHANGE_ANSWERED]: 'answered',
  [EXCHANGE_WHAT.EXCHANGE_ENDED]: 'ended',
  [EXCHANGE_WHAT.EXCHANGE_CLOSED]: 'closed',
};

function decodeExchange(view: DataView, at: number, owners: OwnerTable): ExchangeRecord | undefined {
  const what = WHAT_NAMES[view.getUint8(at + EXCHANGE_RECORD.what)];
  if (what === undefined) return undefined;
  const error = errorTypeOf(view.getUint8(at + EXCHANGE_RECORD.error));
  const closeReason = CLOSE_REASON_NAMES[view.getUint8(at + EXCHANGE_RECORD.reason)];
  const context = decodeContext(view, at + EXCHANGE_RECORD.context);
  return {
    kind: 'exchange',
    ...decodeSocket(view, at, owners),
    what,
    isEventful: view.getUint8(at + EXCHANGE_RECORD.eventful) !== 0,
    firstNs: view.getBigUint64(at + EXCHANGE_RECORD.first_ns, true),
    lastNs: view.getBigUint64(at + EXCHANGE_RECORD.last_ns, true),
    bytesSent: view.getBigUint64(at + EXCHANGE_RECORD.bytes_sent, true),
    bytesReceived: view.getBigUint64(at + EXCHANGE_RECORD.bytes_received, true),
    segmentsRetransmitted: view.getUint32(at + EXCHANGE_RECORD.segments_retransmitted, true),
    rttSmoothedUs: view.getUint32(at + EXCHANGE_RECORD.rtt_smoothed_us, true),
    ...(error !== undefined && { error }),
    ...(what === 'closed' && closeReason !== undefined && { closeReason }),
    ...(context !== undefined && { context }),
  };
}

/** `struct exchange_record`. */
export const exchangeDecoder: RecordDecoder<ExchangeRecord> = {
  kind: RECORD_KIND.RECORD_EXCHANGE,
  size: EXCHANGE_RECORD.size,
  decode: decodeExchange,
  probeOf: () => PROBE_ID.PROBE_EXCHANGE,
};
