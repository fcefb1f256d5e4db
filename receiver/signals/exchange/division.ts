import type { ExchangeRecord } from '../../model/record.ts';
import { clientEndOf, divide, type Division } from './phases.ts';

/**
 * When an exchange began, CLOCK_MONOTONIC: with its first byte, or with the connection that was opened for it, where that is
 * followed.
 */
export function beginOf({ context, phases }: Pick<ExchangeRecord, 'context' | 'phases'>): bigint {
  if (phases !== undefined && phases.connectNs !== 0n) return phases.connectNs;
  return context?.arrivedNs ?? context?.requestStartNs ?? 0n;
}

/** The last byte of the response, at a server its acknowledgement; where none is known when it was last heard of. */
export function endOf(record: ExchangeRecord, heardNs: bigint): bigint {
  const { role, phases, lastNs } = record;
  if (lastNs === 0n) return heardNs;
  return phases === undefined || role === 'server' ? lastNs : clientEndOf(record, phases);
}

/** How its time divides; undefined where that was not followed. */
export function divisionOf(record: ExchangeRecord, heardNs: bigint): Division | undefined {
  if (record.phases === undefined) return undefined;
  return divide(record, record.phases, { startNs: beginOf(record), endNs: endOf(record, heardNs) });
}
