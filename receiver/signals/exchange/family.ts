import { SPAN_TCP_EXCHANGE } from '../../../semconv/index.ts';
import { PROBE_ID } from '../../decode/generated/layout.ts';
import type { Family } from '../family.ts';
import { isAttached, modeNumber, nanoseconds, type RecordMode, type Wanted } from '../kernel.ts';
import { exchangeDecoder } from './decode.ts';
import { ExchangeEvents } from './events.ts';

export interface ExchangeOptions {
  readonly emit: { readonly exchange: RecordMode };
  /** Until the first byte of a response; 0: none is slow. */
  readonly thresholds: { readonly exchangeUs: number };
}

/** Requests and their responses, from the programs of writes and arriving segments. */
export const exchange: Family<ExchangeOptions> = {
  name: 'exchange',
  options,
  variables: ({ emit, thresholds }, chosen) => ({
    // Responses are met where they arrive.
    cfg_emit_exchange: modeNumber(isAttached(chosen, 'ws_arrive') ? emit.exchange : 'off'),
    cfg_slow_exchange_ns: nanoseconds(emit.exchange !== 'off', thresholds.exchangeUs),
  }),
  probeNames: { [PROBE_ID.PROBE_EXCHANGE]: 'tcp_exchange' },
  records: [exchangeDecoder],
  events: (parts) => new ExchangeEvents(parts),
};

const MODES: Readonly<Record<string, RecordMode>> = { always: 'on', eventful: 'correlated' };

function options(wanted: Wanted): ExchangeOptions {
  const mode = wanted.http1 && wanted.arrivals ? MODES[wanted.span(SPAN_TCP_EXCHANGE)] : undefined;
  return {
    emit: { exchange: mode ?? 'off' },
    thresholds: { exchangeUs: wanted.thresholdsUs.exchange },
  };
}
