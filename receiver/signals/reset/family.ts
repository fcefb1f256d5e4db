import type { Family, FamilySums, SumsParts } from '../family.ts';
import { resetDecoder } from './decode.ts';
import { ResetSums } from './sums.ts';

/** RSTs, sent and received. */
export const reset: Family = { name: 'reset', records: [resetDecoder], sums: createSums };

function createSums({ context, kernel }: SumsParts): FamilySums {
  const resets = new ResetSums(context, (reason) => kernel.names.resetReason(reason));
  const rows = { size: 8, useAt: 0, forget: (id: string) => resets.forget(id) };
  return { maps: [{ map: 'resets', update: (image) => resets.update(image), rows }] };
}
