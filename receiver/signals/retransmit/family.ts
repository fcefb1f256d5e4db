import {
  ATTR_NETWORK_CONNECTION_STATE,
  EVENT_TCP_RETRANSMIT,
  METRIC_TCP_RETRANSMITS,
  SPAN_TCP_RETRANSMIT,
} from '../../../semconv/index.ts';
import { PROBE_ID } from '../../decode/generated/layout.ts';
import type { Family } from '../family.ts';
import {
  followsSockets,
  hasMoreArguments,
  modeNumber,
  modeWith,
  onTracepoint,
  type RecordMode,
  type Wanted,
} from '../kernel.ts';
import { retransmitDecoder } from './decode.ts';
import { rareRetransmits } from './rare.ts';
import { RetransmitEvents } from './events.ts';
import { retransmitExemplars } from './exemplars.ts';

export interface RetransmitOptions {
  readonly emit: { readonly retransmit: RecordMode };
  readonly retransmits: boolean;
  /** `retransmitState`: rows by the state of their socket. */
  readonly details: { readonly retransmitState: boolean };
}

/** Segments sent again. Their sums are in the rows of connections. */
export const retransmit: Family<RetransmitOptions> = {
  name: 'retransmit',
  options,
  probes: [
    onTracepoint<RetransmitOptions>('tcp_retransmit_skb', 'ws_retransmit', {
      isWanted: ({ retransmits }) => retransmits,
    }),
    onTracepoint('tcp_retransmit_synack', 'ws_retransmit_synack', { isWanted: followsSockets }),
  ],
  variables: ({ emit, details }, chosen) => ({
    cfg_emit_retransmit: modeNumber(emit.retransmit),
    cfg_retransmit_state: details.retransmitState,
    cfg_retransmit_has_err: hasMoreArguments(chosen, 'tcp_retransmit_skb', 2),
  }),
  probeNames: {
    [PROBE_ID.PROBE_RETRANSMIT]: 'tcp_retransmit_skb',
    [PROBE_ID.PROBE_SYNACK]: 'tcp_retransmit_synack',
  },
  records: [retransmitDecoder],
  rare: rareRetransmits,
  events: (parts) => new RetransmitEvents(parts),
  exemplars: retransmitExemplars,
};

function options(wanted: Wanted): RetransmitOptions {
  const mode = wanted.event(EVENT_TCP_RETRANSMIT);
  const isSpanWanted = wanted.span(SPAN_TCP_RETRANSMIT) !== 'off';
  const hasEpisodes =
    (wanted.http1 || wanted.http2 || wanted.hook || wanted.threadContext || wanted.tap) && isSpanWanted;
  const isTold = wanted.tap && (isSpanWanted || mode !== 'off');
  return {
    emit: {
      // With the tap any of them may turn out to be on a trace.
      retransmit: isTold ? 'on' : modeWith(mode, hasEpisodes || wanted.exemplars(METRIC_TCP_RETRANSMITS)),
    },
    retransmits: wanted.metric(METRIC_TCP_RETRANSMITS) || hasEpisodes || mode !== 'off',
    details: { retransmitState: wanted.attributes.has(ATTR_NETWORK_CONNECTION_STATE) },
  };
}
