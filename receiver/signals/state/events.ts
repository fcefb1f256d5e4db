import {
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_TCP_STATE_PREVIOUS,
  EVENT_TCP_STATE_CHANGE,
} from '../../../semconv/index.ts';
import type { EventParts, RecordEvents } from '../../correlate/record-events.ts';
import type { StateRecord } from '../../model/record.ts';

/** Changes of handshakes and of listeners are recorded for views alone: as in ws_state of bpf/connection.bpf.c. */
function isEarly({ previous, state }: StateRecord): boolean {
  return ['listen', 'syn_sent'].includes(previous) || ['listen', 'syn_sent', 'established'].includes(state);
}

/** Events about sockets that went from one state to another. */
export function stateEvents({ emitter, sockets }: EventParts): RecordEvents {
  const change = (record: StateRecord): void => {
    if (isEarly(record)) return;
    emitter.event(EVENT_TCP_STATE_CHANGE, {
      record,
      attributes: () => ({
        ...sockets.connection(record),
        [ATTR_NETWORK_CONNECTION_STATE]: record.state,
        [ATTR_TCP_STATE_PREVIOUS]: record.previous,
      }),
    });
  };
  return { handlers: { state: change } };
}
