import { METRIC_TCP_EXCHANGE_PHASE_DURATION, SPAN_TCP_EXCHANGE } from '../../../semconv/index.ts';
import { PROBE_ID } from '../../decode/generated/layout.ts';
import type { Family, FamilySums, SumsParts } from '../family.ts';
import { isAttached, modeNumber, nanoseconds, type Probe, type RecordMode, type Wanted } from '../kernel.ts';
import { exchangeDecoder } from './decode.ts';
import { ExchangeEvents } from './events.ts';
import { phaseSums } from './sums.ts';

export interface ExchangeOptions {
  readonly emit: { readonly exchange: RecordMode };
  /** Until the first byte of a response; 0: none is slow. */
  readonly thresholds: { readonly exchangeUs: number };
  /** How each divides. */
  readonly exchangePhases: boolean;
}

const ARRIVE = 'ws_arrive';
const READ = 'ws_exchange_read';

/** When requests and responses are read. Without it nothing is said of phases: what was read is what the others wait for. */
const READS: Probe<ExchangeOptions> = {
  name: 'exchange_read',
  variants: () => [{ programs: [READ], tracepoint: 'tcp_rcv_space_adjust' }],
  isWanted: ({ exchangePhases }) => exchangePhases,
  needs: [ARRIVE],
};

/** Requests and their responses, from the programs of writes and arriving segments. */
export const exchange: Family<ExchangeOptions> = {
  name: 'exchange',
  options,
  probes: [READS],
  variables: ({ emit, thresholds, exchangePhases }, chosen) => ({
    // Responses are met where they arrive.
    cfg_emit_exchange: modeNumber(isAttached(chosen, ARRIVE) ? emit.exchange : 'off'),
    cfg_phases: exchangePhases && isAttached(chosen, READ),
    cfg_slow_exchange_ns: nanoseconds(emit.exchange !== 'off', thresholds.exchangeUs),
  }),
  probeNames: { [PROBE_ID.PROBE_EXCHANGE]: 'tcp_exchange' },
  records: [exchangeDecoder],
  sums: createSums,
  events: (parts) => new ExchangeEvents(parts),
};

const MODES: Readonly<Record<string, RecordMode>> = { always: 'on', eventful: 'correlated' };

function options(wanted: Wanted): ExchangeOptions {
  const isRead = wanted.http1 && wanted.arrivals;
  const counts = isRead && wanted.metric(METRIC_TCP_EXCHANGE_PHASE_DURATION);
  const ofSpans = isRead ? MODES[wanted.span(SPAN_TCP_EXCHANGE)] : undefined;
  // The histogram is of all of them, not of those alone to which something happened.
  const exchange = counts ? 'on' : (ofSpans ?? 'off');
  return {
    exchangePhases: exchange !== 'off' && (counts || wanted.exchangePhases),
    emit: { exchange },
    thresholds: { exchangeUs: wanted.thresholdsUs.exchange },
  };
}

/** Off by default: then no record is looked at. */
function createSums({ context }: SumsParts): FamilySums {
  if (!context.isOn(METRIC_TCP_EXCHANGE_PHASE_DURATION)) return { maps: [] };
  return { maps: [], handlers: phaseSums(context) };
}
