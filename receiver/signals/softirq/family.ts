import type { Family, FamilySums, SumsParts } from '../family.ts';
import { softirqDecoder } from './decode.ts';
import { softirqEvents } from './events.ts';
import { SoftirqSums } from './sums.ts';

/** The network's softirqs: their CPU time, their runs, how long they waited. */
export const softirq: Family = {
  name: 'softirq',
  records: [softirqDecoder],
  sums: createSums,
  events: softirqEvents,
};

function createSums({ context }: SumsParts): FamilySums {
  const softirqs = new SoftirqSums(context);
  return { maps: [{ map: 'softirqs', update: (image) => softirqs.update(image) }] };
}
