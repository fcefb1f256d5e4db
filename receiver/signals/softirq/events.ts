import {
  ATTR_CPU_LOGICAL_NUMBER,
  ATTR_LATENCY_VALUE,
  ATTR_SOFTIRQ_RUN_VALUE,
  ATTR_SOFTIRQ_VECTOR,
  ATTR_SOFTIRQ_WAIT_VALUE,
  EVENT_SOFTIRQ_SLOW,
} from '../../../semconv/index.ts';
import type { EventParts, RecordEvents } from '../../correlate/record-events.ts';
import type { SoftirqRecord } from '../../model/record.ts';

const seconds = (ns: bigint): number => Number(ns) / 1e9;

/** Events about softirqs that waited or ran longer than their threshold. */
export function softirqEvents({ emitter }: EventParts): RecordEvents {
  const slow = (record: SoftirqRecord): void => {
    const { runNs, waitNs } = record;
    emitter.event(EVENT_SOFTIRQ_SLOW, {
      record,
      attributes: () => ({
        [ATTR_SOFTIRQ_VECTOR]: record.vector,
        [ATTR_CPU_LOGICAL_NUMBER]: record.cpu,
        [ATTR_LATENCY_VALUE]: seconds((waitNs ?? 0n) + (runNs ?? 0n)),
        ...(runNs !== undefined && { [ATTR_SOFTIRQ_RUN_VALUE]: seconds(runNs) }),
        ...(waitNs !== undefined && { [ATTR_SOFTIRQ_WAIT_VALUE]: seconds(waitNs) }),
      }),
    });
  };
  return { handlers: { softirq: slow } };
}
