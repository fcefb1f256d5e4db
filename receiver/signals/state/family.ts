import { METRIC_TCP_STATE_DURATION } from '../../../semconv/index.ts';
import { STATE_SUMS } from '../../decode/generated/layout.ts';
import type { Family, FamilySums, SumsMap, SumsParts } from '../family.ts';
import { stateDecoder } from './decode.ts';
import { stateEvents } from './events.ts';
import { setConnectionStates, StateSums } from './sums.ts';

/** The states that sockets are in, and how long. */
export const state: Family = {
  name: 'state',
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
