import type { ConnectionSampling } from '../../correlate/connection-sampling.ts';
import type { ConnectionRecord } from '../../model/record.ts';
import { handshakeSeconds } from './record-attributes.ts';

/** Hexadecimal digits of a connection's id that decide: what a number holds exactly. */
const digits = 13;

/**
 * Whether a connection that closed is among the sample: one that failed or was slow always, of the others
 * so many, by their id. So the same connections are chosen at any time, and a greater ratio chooses
 * them and more.
 */
export function isConnectionSampled(
  record: ConnectionRecord,
  connectionId: string,
  { ratio, slowSeconds }: ConnectionSampling,
): boolean {
  if (ratio >= 1 || record.error !== undefined || isSlow(record, slowSeconds)) return true;
  return Number.parseInt(connectionId.slice(0, digits), 16) / 16 ** digits < ratio;
}

function isSlow(record: ConnectionRecord, slowSeconds: number): boolean {
  const handshake = handshakeSeconds(record) ?? 0;
  return Math.max(handshake, record.rttSmoothedUs / 1e6) >= slowSeconds;
}
