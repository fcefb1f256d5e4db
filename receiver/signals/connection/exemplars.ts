import {
  ATTR_TCP_CLOSE_REASON,
  METRIC_TCP_CONNECTION_CLOSED,
  METRIC_TCP_CONNECTION_DURATION,
  METRIC_TCP_CONNECTION_OPENED,
  METRIC_TCP_CONNECTION_TRANSFER_SIZE,
  METRIC_TCP_HANDSHAKE_DURATION,
  METRIC_TCP_RTT,
  TCP_CLOSE_REASON_VALUE_OTHER,
} from '../../../semconv/index.ts';
import type { RecordHandlers } from '../../model/record-handlers.ts';
import type { ConnectionRecord } from '../../model/record.ts';
import type { ExemplarParts, Measurement } from '../exemplars.ts';
import { handshakeSeconds, secondsBetween } from './record-attributes.ts';
import { attributesOfRecord } from './record-row.ts';

/**
 * A handshake is an exemplar for the request that it was made for. A connection's own measurements, taken at its
 * close, are those of the last sampled request that it was opened for or that lost a packet on it.
 */
export function connectionExemplars(parts: ExemplarParts): RecordHandlers {
  const { decisions, remember, takeRequest, offer } = parts;
  const handshake = (record: ConnectionRecord): void => {
    const isDone = record.kind === 'handshake';
    const { context } = isDone
      ? decisions.decideHandshake(record.context)
      : decisions.decide(record.context, record.timeNs);
    remember(record, context);
    offer(record, context, atHandshake(record, isDone ? record.establishedNs : record.timeNs, parts));
  };
  const close = (record: ConnectionRecord): void =>
    offer(record, takeRequest(record), atClose(record, parts));
  return { handshake, fail: handshake, close };
}

/** Done, for the request in it, or failed. */
function atHandshake(record: ConnectionRecord, endNs: bigint, parts: ExemplarParts): Measurement[] {
  const attributes = attributesOfRecord(record, parts, record.error).withType;
  const seconds = handshakeSeconds(record, endNs);
  return [
    { metric: METRIC_TCP_CONNECTION_OPENED, attributes, value: 1 },
    { metric: METRIC_TCP_HANDSHAKE_DURATION, attributes, value: seconds },
  ];
}

function atClose(record: ConnectionRecord, parts: ExemplarParts): Measurement[] {
  const { plain, sent, received } = attributesOfRecord(record, parts);
  const ended = record.error === undefined ? plain : attributesOfRecord(record, parts, record.error).plain;
  const reason = record.closeReason ?? TCP_CLOSE_REASON_VALUE_OTHER;
  const seconds = secondsBetween(record.establishedNs, record.timeNs);
  const { rttSmoothedUs: rttUs } = record;
  return [
    {
      metric: METRIC_TCP_CONNECTION_CLOSED,
      attributes: { ...plain, [ATTR_TCP_CLOSE_REASON]: reason },
      value: 1,
    },
    { metric: METRIC_TCP_CONNECTION_DURATION, attributes: ended, value: seconds },
    { metric: METRIC_TCP_RTT, attributes: plain, value: rttUs === 0 ? undefined : rttUs / 1e6 },
    { metric: METRIC_TCP_CONNECTION_TRANSFER_SIZE, attributes: sent, value: Number(record.bytesSent) },
    {
      metric: METRIC_TCP_CONNECTION_TRANSFER_SIZE,
      attributes: received,
      value: Number(record.bytesReceived),
    },
  ];
}
