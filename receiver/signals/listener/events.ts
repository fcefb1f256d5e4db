import {
  ATTR_TCP_BACKLOG,
  ATTR_TCP_SYN_QUEUE_ACTION,
  EVENT_TCP_ACCEPT_QUEUE_OVERFLOW,
  EVENT_TCP_LISTENER_START,
  EVENT_TCP_LISTENER_STOP,
  EVENT_TCP_SYN_QUEUE_OVERFLOW,
} from '../../../semconv/index.ts';
import type { EventParts, RecordEvents } from '../../correlate/record-events.ts';
import type { ListenerRecord, QueueOverflowRecord } from '../../model/record.ts';

/** Events about listening sockets: that they came and went, and that a queue of theirs was full. */
export function listenerEvents({ emitter, sockets }: EventParts): RecordEvents {
  const change = (record: ListenerRecord): void => {
    const isStart = record.kind === 'listener_start';
    emitter.event(isStart ? EVENT_TCP_LISTENER_START : EVENT_TCP_LISTENER_STOP, {
      record,
      attributes: () => ({ ...sockets.listener(record), [ATTR_TCP_BACKLOG]: record.backlog }),
    });
  };
  const overflow = (record: QueueOverflowRecord): void => {
    const { action, backlog } = record;
    const isAccept = action === undefined;
    emitter.event(isAccept ? EVENT_TCP_ACCEPT_QUEUE_OVERFLOW : EVENT_TCP_SYN_QUEUE_OVERFLOW, {
      record,
      attributes: () => ({
        ...sockets.listener(record),
        ...(isAccept ? { [ATTR_TCP_BACKLOG]: backlog } : { [ATTR_TCP_SYN_QUEUE_ACTION]: action }),
      }),
    });
  };
  return { handlers: { listener_start: change, listener_stop: change, queue_overflow: overflow } };
}
