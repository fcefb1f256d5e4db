import {
  ATTR_SERVER_PORT,
  EVENT_TCP_STATE_CHANGE,
  METRIC_TCP_STATE_DURATION,
} from '../../../semconv/index.ts';
import { ROW_MAP, STATE_KEY, STATE_SUMS } from '../../decode/generated/layout.ts';
import type { Family, FamilySums, SumsMap, SumsParts } from '../family.ts';
import { stateDecoder } from './decode.ts';
import { stateEvents } from './events.ts';
import { setConnectionStates, StateSums } from './sums.ts';

export interface StateOptions {
  readonly emit: { readonly state: boolean; readonly earlyStates: boolean };
  readonly stateDuration: boolean;
  /** `statePort`: rows by the server's port. */
  readonly details: { readonly statePort: boolean };
}

const MAX_ROWS = 16_384;

/** The states that sockets are in, and how long. What sees them are the programs of connections. */
export const state: Family<StateOptions> = {
  name: 'state',
  options: ({ event, metric, attributes, earlyStates }) => ({
    emit: { state: event(EVENT_TCP_STATE_CHANGE) !== 'off', earlyStates },
    stateDuration: metric(METRIC_TCP_STATE_DURATION),
    details: { statePort: attributes.has(ATTR_SERVER_PORT) },
  }),
  variables: ({ emit, stateDuration, details }) => ({
    cfg_emit_state: emit.state,
    cfg_emit_early_states: emit.earlyStates,
    cfg_state_duration: stateDuration,
    cfg_state_port: details.statePort,
  }),
  kernelMaps: [
    {
      name: 'state_durations',
      entries: ({ stateDuration }) => (stateDuration ? MAX_ROWS : undefined),
      rows: { number: ROW_MAP.ROWS_STATES, overflowAt: STATE_KEY.overflow },
    },
  ],
  records: [stateDecoder],
  sums: createSums,
  events: stateEvents,
};

function createSums({ context, kernel }: SumsParts): FamilySums {
  const states = new StateSums(context);
  const { size, uses } = STATE_SUMS;
  const durations: SumsMap = {
    map: 'state_durations',
    update: (image) => states.update(image),
    rows: { size, useAt: uses, forget: (id) => states.forget(id) },
  };
  return {
    // Off by default: the kernel's map is read only when it is filled.
    maps: context.isOn(METRIC_TCP_STATE_DURATION) ? [durations] : [],
    setGauges: () => setConnectionStates(context, kernel.countStates()),
  };
}
