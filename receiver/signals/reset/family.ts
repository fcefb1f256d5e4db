import type { Family, FamilySums, SumsParts } from '../family.ts';
import { resetDecoder } from './decode.ts';
import { resetEvents } from './events.ts';
import { ResetSums } from './sums.ts';

/** RSTs, sent and received. */
export const reset: Family = {
  name: 'reset',
  records: [resetDecoder],
  sums: createSums,
  events: resetEvents,
};

function createSums({ context, kernel }: SumsParts): FamilySums {
  const resets = new ResetSums(context, (reason) => kernel.names.resetReason(reason));
  const rows = { size: 8, useAt: 0, forget: (id: string) => resets.forget(id) };
  return { maps: [{ map: 'resets', update: (image) => resets.update(image), rows }] };
}
