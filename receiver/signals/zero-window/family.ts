import { EVENT_TCP_ZERO_WINDOW, SPAN_TCP_ZERO_WINDOW } from '../../../semconv/index.ts';
import { PROBE_ID } from '../../decode/generated/layout.ts';
import type { Family } from '../family.ts';
import { modeNumber, modeWith, nanoseconds, onTracepoint, type RecordMode, type Wanted } from '../kernel.ts';
import { zeroWindowDecoder } from './decode.ts';
import { zeroWindowEvents } from './events.ts';

export interface ZeroWindowOptions {
  readonly emit: { readonly zeroWindow: RecordMode };
  /** Microseconds above which a record is made; 0: never. */
  readonly slowZeroWindowUs: number;
}

/** Peers that take no more for a while, and what waited for them. */
export const zeroWindow: Family<ZeroWindowOptions> = {
  name: 'zero-window',
  options,
  probes: [
    {
      ...onTracepoint<ZeroWindowOptions>('tcp_probe', 'ws_zero_window', {
        isWanted: ({ emit, slowZeroWindowUs }) => emit.zeroWindow !== 'off' && slowZeroWindowUs > 0,
      }),
      name: 'zero_window_tcp_probe',
    },
  ],
  variables: ({ emit, slowZeroWindowUs }) => ({
    cfg_emit_zero_window: modeNumber(emit.zeroWindow),
    cfg_slow_zero_window_ns: nanoseconds(emit.zeroWindow !== 'off', slowZeroWindowUs),
  }),
  probeNames: { [PROBE_ID.PROBE_ZERO_WINDOW]: 'zero_window_tcp_probe' },
  records: [zeroWindowDecoder],
  events: zeroWindowEvents,
};

function options(wanted: Wanted): ZeroWindowOptions {
  const isSpanWanted = wanted.span(SPAN_TCP_ZERO_WINDOW) !== 'off';
  return {
    emit: { zeroWindow: modeWith(wanted.event(EVENT_TCP_ZERO_WINDOW), isSpanWanted) },
    slowZeroWindowUs: wanted.thresholdsUs.zeroWindow,
  };
}
