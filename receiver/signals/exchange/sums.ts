import {
  ATTR_EXCHANGE_PHASE,
  ATTR_SERVER_PORT,
  ATTR_TCP_HANDSHAKE_ROLE,
  METRIC_TCP_EXCHANGE_PHASE_DURATION,
} from '../../../semconv/index.ts';
import { bucketOf } from '../../model/bucket.ts';
import type { HistogramDelta } from '../../model/metric-sink.ts';
import type { RecordHandlers } from '../../model/record-handlers.ts';
import type { ExchangeRecord } from '../../model/record.ts';
import type { SumsContext } from '../context.ts';
import { divisionOf } from './division.ts';

const BOUNDARIES = METRIC_TCP_EXCHANGE_PHASE_DURATION.boundaries ?? [];

/** Counts each exchange at its end, by phase: those that took no time are not counted, as they are not in its span. */
export function phaseSums({ sink, resolve }: SumsContext): RecordHandlers {
  const exchange = (record: ExchangeRecord): void => {
    if (record.what === 'answered') return;
    const { role, endpoints, owner, timeNs } = record;
    const resource = resolve(owner);
    for (const [phase, ns] of divisionOf(record, timeNs) ?? []) {
      const attributes = {
        [ATTR_EXCHANGE_PHASE]: phase,
        ...(role !== undefined && { [ATTR_TCP_HANDSHAKE_ROLE]: role }),
        [ATTR_SERVER_PORT]: role === 'server' ? endpoints.localPort : endpoints.peerPort,
      };
      sink.addHistogram(METRIC_TCP_EXCHANGE_PHASE_DURATION, resource, attributes, oneOf(Number(ns) / 1e9));
    }
  };
  return { exchange };
}

function oneOf(seconds: number): HistogramDelta {
  const counts = new Array<number>(BOUNDARIES.length + 1).fill(0);
  counts[bucketOf(seconds, BOUNDARIES)] = 1;
  return { counts, sum: seconds };
}
