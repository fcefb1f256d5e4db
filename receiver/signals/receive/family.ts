import { METRIC_TCP_RECEIVE_QUEUE_DURATION } from '../../../semconv/index.ts';
import { RECEIVE_SUMS } from '../../decode/generated/layout.ts';
import type { Family, FamilySums, SumsParts } from '../family.ts';
import { ReceiveWaits } from './sums.ts';

/** How long data waited to be read. */
export const receive: Family = { name: 'receive', sums: createSums };

/** Off by default: the kernel's map is read only when it is filled. */
function createSums({ context }: SumsParts): FamilySums {
  if (!context.isOn(METRIC_TCP_RECEIVE_QUEUE_DURATION)) return { maps: [] };
  const waits = new ReceiveWaits(context);
  const { size, uses } = RECEIVE_SUMS;
  const rows = { size, useAt: uses, forget: (id: string) => waits.forget(id) };
  return { maps: [{ map: 'receives', update: (image) => waits.update(image), rows }] };
}
