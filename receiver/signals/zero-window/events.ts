import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_LATENCY_VALUE,
  ATTR_TCP_ZERO_WINDOW_ANNOUNCEMENTS,
  ATTR_TCP_ZERO_WINDOW_BYTES_WAITING,
  ATTR_TCP_ZERO_WINDOW_END,
  EVENT_TCP_ZERO_WINDOW,
  SPAN_TCP_ZERO_WINDOW,
} from '../../../semconv/index.ts';
import type { EventParts, RecordEvents } from '../../correlate/record-events.ts';
import type { ZeroWindowRecord } from '../../model/record.ts';

/** An event, and on a trace a span, for each time that a peer did not read while data waited for it. */
export function zeroWindowEvents({
  emitter,
  sockets,
  links,
  exchanges,
  decisions,
  count,
}: EventParts): RecordEvents {
  const attributesOf = (record: ZeroWindowRecord): Attributes => ({
    ...sockets.connection(record),
    [ATTR_TCP_ZERO_WINDOW_END]: record.end,
    [ATTR_TCP_ZERO_WINDOW_BYTES_WAITING]: record.bytesWaiting,
    [ATTR_TCP_ZERO_WINDOW_ANNOUNCEMENTS]: record.announcements,
  });
  const closed = (record: ZeroWindowRecord): void => {
    const { context, isParent } = count(decisions.decideBytes(record, record.seq + 1));
    emitter.event(EVENT_TCP_ZERO_WINDOW, {
      record,
      context,
      attributes: () => ({
        ...attributesOf(record),
        [ATTR_LATENCY_VALUE]: Number(record.timeNs - record.startNs) / 1e9,
      }),
    });
    if (context === undefined || !isParent) return;
    links.addUse(record.netns, record.cookie, context);
    if (emitter.spanMode(SPAN_TCP_ZERO_WINDOW) === 'off') return;
    // The window may have been closed before the request began; a child is to lie within its parent.
    const { requestStartNs = 0n } = record.context ?? {};
    emitter.span(SPAN_TCP_ZERO_WINDOW, {
      record,
      attributes: attributesOf(record),
      startNs: record.startNs > requestStartNs ? record.startNs : requestStartNs,
      endNs: record.timeNs,
      parent: exchanges.spanOf(record) ?? context,
    });
  };
  return { handlers: { zero_window: closed } };
}
