import type { Family, FamilySums, SumsParts } from '../family.ts';
import { dropDecoder } from './decode.ts';
import { dropEvents } from './events.ts';
import { dropExemplars } from './exemplars.ts';
import { createDropDetails } from './details.ts';
import { DropSums } from './sums.ts';
import { claimersOf, UnownedSums } from './unowned.ts';

/** Dropped packets, those without a socket too. */
export const drop: Family = {
  name: 'drop',
  records: [dropDecoder],
  sums: createSums,
  events: dropEvents,
  exemplars: dropExemplars,
};

function createSums({ context, kernel, host }: SumsParts): FamilySums {
  const details = createDropDetails(kernel);
  const drops = new DropSums(context, details);
  const unowned = new UnownedSums({
    nowMs: () => performance.now(),
    context,
    details,
    delete: (map, key) => kernel.delete(map, key),
    isLocal: (end, { pid }) => host.isLocal(end, pid),
  });
  const rows = { size: 8, useAt: 0, forget: (id: string) => drops.forget(id) };
  return {
    maps: [{ map: 'drops', update: (image) => drops.update(image), rows }],
    // Most intervals have no drop without a socket: then nothing is looked for.
    pass: (nowNs) => (kernel.hasStrays || unowned.hasRows ? settleUnowned(nowNs) : undefined),
    awaited: () => (kernel.hasStrays ? claimersOf(kernel.read('strays')) : []),
  };

  function settleUnowned(nowNs: bigint): number {
    const { pass, bank } = kernel.passForStrays(nowNs);
    host.forgetAddresses();
    unowned.settle({ strays: kernel.read('strays'), listenEnds: kernel.read('listen_ends'), bank, pass });
    return pass;
  }
}
