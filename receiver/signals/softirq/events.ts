import {
  ATTR_CPU_LOGICAL_NUMBER,
  ATTR_LATENCY_VALUE,
  ATTR_SOFTIRQ_VECTOR,
  EVENT_SOFTIRQ_SLOW,
} from '../../../semconv/index.ts';
import type { EventParts, RecordEvents } from '../../correlate/record-events.ts';
import type { SoftirqRecord } from '../../model/record.ts';

/** Events about softirqs that took longer than their threshold. */
export function softirqEvents({ emitter }: EventParts): RecordEvents {
  const slow = (record: SoftirqRecord): void =>
    emitter.event(EVENT_SOFTIRQ_SLOW, {
      record,
      attributes: () => ({
        [ATTR_SOFTIRQ_VECTOR]: record.vector,
        [ATTR_CPU_LOGICAL_NUMBER]: record.cpu,
        [ATTR_LATENCY_VALUE]: Number(record.valueNs) / 1e9,
      }),
    });
  return { handlers: { softirq: slow } };
}
