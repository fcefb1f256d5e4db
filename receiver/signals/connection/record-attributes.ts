import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_TCP_ACCEPT_QUEUE_WAIT,
  ATTR_TCP_CLOSE_REASON,
  ATTR_TCP_CONNECTION_BYTES_RECEIVED,
  ATTR_TCP_CONNECTION_BYTES_SENT,
  ATTR_TCP_CONNECTION_LIFETIME,
  ATTR_TCP_CONNECTION_RECEIVE_WINDOW_LIMITED,
  ATTR_TCP_CONNECTION_RTO,
  ATTR_TCP_CONNECTION_RTT_MIN,
  ATTR_TCP_CONNECTION_RTT_SMOOTHED,
  ATTR_TCP_CONNECTION_SEGMENTS_OUT_OF_ORDER,
  ATTR_TCP_CONNECTION_SEGMENTS_RECEIVED,
  ATTR_TCP_CONNECTION_SEGMENTS_RETRANSMITTED,
  ATTR_TCP_CONNECTION_SEGMENTS_SENT,
  ATTR_LATENCY_VALUE,
  ATTR_ERROR_TYPE,
  TCP_CLOSE_REASON_VALUE_OTHER,
} from '../../../semconv/index.ts';
import type { ConnectionRecord } from '../../model/record.ts';

/** Seconds between two kernel stamps; undefined when one is not known or they are reversed. */
export function secondsBetween(fromNs: bigint, toNs: bigint): number | undefined {
  if (fromNs === 0n || toNs < fromNs) return undefined;
  return Number(toNs - fromNs) / 1e9;
}

/** What one connection did in its life; stats without a sample are left out. */
export function totals(record: ConnectionRecord): Attributes {
  return {
    [ATTR_TCP_CLOSE_REASON]: record.closeReason ?? TCP_CLOSE_REASON_VALUE_OTHER,
    [ATTR_TCP_CONNECTION_BYTES_SENT]: Number(record.bytesSent),
    [ATTR_TCP_CONNECTION_BYTES_RECEIVED]: Number(record.bytesReceived),
    [ATTR_TCP_CONNECTION_SEGMENTS_SENT]: record.segmentsSent,
    [ATTR_TCP_CONNECTION_SEGMENTS_RECEIVED]: record.segmentsReceived,
    [ATTR_TCP_CONNECTION_SEGMENTS_RETRANSMITTED]: record.segmentsRetransmitted,
    // Zero is left out: JavaScript would send it as an integer.
    ...known(ATTR_TCP_CONNECTION_RTO, sampledSeconds(record.rtoUs)),
    ...known(ATTR_TCP_CONNECTION_RECEIVE_WINDOW_LIMITED, sampledSeconds(record.receiveWindowLimitedUs)),
    ...known(ATTR_TCP_CONNECTION_SEGMENTS_OUT_OF_ORDER, record.segmentsOutOfOrder),
    ...known(ATTR_TCP_CONNECTION_RTT_SMOOTHED, sampledSeconds(record.rttSmoothedUs)),
    ...known(ATTR_TCP_CONNECTION_RTT_MIN, sampledSeconds(record.rttMinUs)),
    ...known(ATTR_ERROR_TYPE, record.error),
  };
}

/** Lifetime; absent for a connection whose start nobody saw. */
export function lifetime(record: ConnectionRecord): Attributes {
  const seconds = secondsBetween(record.establishedNs, record.timeNs);
  return known(ATTR_TCP_CONNECTION_LIFETIME, seconds);
}

/** From its start to `endNs`; undefined when its start is not known. */
export function handshakeSeconds(record: ConnectionRecord, endNs = record.establishedNs): number | undefined {
  if (record.handshakeStartNs === record.establishedNs) return undefined;
  return secondsBetween(record.handshakeStartNs, endNs);
}

export function handshakeLatency(record: ConnectionRecord): Attributes {
  return known(ATTR_LATENCY_VALUE, handshakeSeconds(record));
}

export function acceptQueueWait(record: ConnectionRecord): Attributes {
  const seconds = secondsBetween(record.establishedNs, record.acceptedNs);
  return known(ATTR_TCP_ACCEPT_QUEUE_WAIT, seconds);
}

function known(key: string, value: string | number | undefined): Attributes {
  return value === undefined ? {} : { [key]: value };
}

function sampledSeconds(microseconds: number): number | undefined {
  return microseconds === 0 ? undefined : microseconds / 1e6;
}
