import { Cells } from '../signals/context.ts';
import { DROP_KEY, RESET_KEY } from '../decode/generated/layout.ts';
import { processId } from '../model/ids.ts';
import { rowsOf, type MapImage } from '../model/map-image.ts';
import type { Owner } from '../model/resource.ts';

/** Dropped packets and RSTs since the start, by process (`processId`); the host's own are left out. */
export interface ProcessLosses {
  readonly drops: ReadonlyMap<string, number>;
  readonly resets: ReadonlyMap<string, number>;
}

export const NO_LOSSES: ProcessLosses = { drops: new Map(), resets: new Map() };

/** Sums the kernel's maps `drops` and `resets`; `ownerAt` finds the owner that a key names. */
export function readProcessLosses(
  read: (map: 'drops' | 'resets') => MapImage,
  ownerAt: (view: DataView, offset: number) => Owner,
): ProcessLosses {
  const sum = (map: 'drops' | 'resets', ownerOffset: number): ReadonlyMap<string, number> => {
    const image = read(map);
    const cells = new Cells(image.values);
    const sums = new Map<string, number>();
    for (const { keys, keyAt, valueAt } of rowsOf(image)) {
      const owner = ownerAt(keys, keyAt + ownerOffset);
      if (owner.pid === 0) continue;
      const id = processId(owner);
      sums.set(id, (sums.get(id) ?? 0) + cells.moveTo(valueAt).at(0));
    }
    return sums;
  };
  return { drops: sum('drops', DROP_KEY.owner), resets: sum('resets', RESET_KEY.owner) };
}
