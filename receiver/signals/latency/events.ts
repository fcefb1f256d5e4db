import { ATTR_LATENCY_KIND, ATTR_LATENCY_VALUE, EVENT_TCP_LATENCY_OUTLIER } from '../../../semconv/index.ts';
import type { EventParts, RecordEvents } from '../../correlate/record-events.ts';
import type { LatencyRecord } from '../../model/record.ts';

/** Events about what took longer than its threshold. No request is known to be the one that waited. */
export function latencyEvents({ emitter, sockets }: EventParts): RecordEvents {
  const outlier = (record: LatencyRecord): void =>
    emitter.event(EVENT_TCP_LATENCY_OUTLIER, {
      record,
      attributes: () => ({
        ...sockets.connection(record),
        [ATTR_LATENCY_KIND]: record.what,
        [ATTR_LATENCY_VALUE]: Number(record.valueNs) / 1e9,
      }),
    });
  return { handlers: { latency: outlier } };
}
