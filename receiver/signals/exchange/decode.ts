import type { RecordDecoder } from '../../decode/batch.ts';
import {
  DIVIDED_EXCHANGE_RECORD,
  EXCHANGE_PHASES,
  EXCHANGE_RECORD,
  EXCHANGE_WHAT,
  PROBE_ID,
  RECORD_HEADER,
  RECORD_KIND,
} from '../../decode/generated/layout.ts';
import { CLOSE_REASON_NAMES, errorTypeOf } from '../../decode/names.ts';
import type { OwnerTable } from '../../decode/owners.ts';
import { decodeContext, decodeSocket } from '../../decode/socket.ts';
import type { ExchangePhases } from '../../model/exchange-phases.ts';
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
  const phases = decodePhases(view, at);
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
    ...(phases !== undefined && { phases }),
  };
}

/** Records without these are shorter than `struct divided_exchange_record`. */
function decodePhases(view: DataView, record: number): ExchangePhases | undefined {
  const bytes = view.getUint32(record + RECORD_HEADER.bytes, true);
  if (bytes < DIVIDED_EXCHANGE_RECORD.size) return undefined;
  const at = record + DIVIDED_EXCHANGE_RECORD.phases;
  if (view.getUint8(at + EXCHANGE_PHASES.followed) === 0) return undefined;
  const ns = (field: number): bigint => view.getBigUint64(at + field, true);
  return {
    cameNs: ns(EXCHANGE_PHASES.came_ns),
    readNs: ns(EXCHANGE_PHASES.read_ns),
    queuedNs: ns(EXCHANGE_PHASES.queued_ns),
    waitsNs: ns(EXCHANGE_PHASES.waits_ns),
    writtenNs: ns(EXCHANGE_PHASES.written_ns),
    unsentNs: ns(EXCHANGE_PHASES.unsent_ns),
    lostNs: ns(EXCHANGE_PHASES.lost_ns),
    lostUnsentNs: ns(EXCHANGE_PHASES.lost_unsent_ns),
    earlierUnsentNs: ns(EXCHANGE_PHASES.earlier_unsent_ns),
    earlierLostNs: ns(EXCHANGE_PHASES.earlier_lost_ns),
    earlierUnknownNs: ns(EXCHANGE_PHASES.earlier_unknown_ns),
    connectNs: ns(EXCHANGE_PHASES.connect_ns),
    establishedNs: ns(EXCHANGE_PHASES.established_ns),
    acceptedNs: ns(EXCHANGE_PHASES.accepted_ns),
    segmentsSeen: view.getUint32(at + EXCHANGE_PHASES.segments_seen, true),
    isUnclear: view.getUint8(at + EXCHANGE_PHASES.unclear) !== 0,
  };
}

/** `struct exchange_record`. */
export const exchangeDecoder: RecordDecoder<ExchangeRecord> = {
  kind: RECORD_KIND.RECORD_EXCHANGE,
  size: EXCHANGE_RECORD.size,
  decode: decodeExchange,
  probeOf: () => PROBE_ID.PROBE_EXCHANGE,
};
