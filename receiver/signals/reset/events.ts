import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_IO_DIRECTION,
  ATTR_TCP_RESET_REASON,
  EVENT_TCP_RESET,
} from '../../../semconv/index.ts';
import type { EventParts, RecordEvents } from '../../correlate/record-events.ts';
import type { ResetRecord } from '../../model/record.ts';

/** Events about RSTs. */
export function resetEvents({ emitter, sockets, names }: EventParts): RecordEvents {
  const attributesOf = (record: ResetRecord): Attributes => {
    const reason = names.resetReason(record.reason);
    return {
      ...sockets.connection(record),
      [ATTR_NETWORK_IO_DIRECTION]: record.direction,
      ...(record.state !== undefined && { [ATTR_NETWORK_CONNECTION_STATE]: record.state }),
      ...(reason !== undefined && { [ATTR_TCP_RESET_REASON]: reason }),
    };
  };
  const reset = (record: ResetRecord): void =>
    emitter.event(EVENT_TCP_RESET, { record, attributes: () => attributesOf(record) });
  return { handlers: { reset } };
}
