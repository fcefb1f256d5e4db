import type { MapImage } from '../model/map-image.ts';
import type { Owner } from '../model/resource.ts';
import type { FamilySums, SumsMap, SumsParts } from '../signals/family.ts';
import { FAMILIES } from '../signals/index.ts';
import type { LiveTable } from '../signals/live-table.ts';

/** The sums of every family. */
export class SignalSums {
  readonly #sums: readonly FamilySums[];
  readonly maps: readonly SumsMap[];

  constructor(parts: SumsParts) {
    this.#sums = FAMILIES.flatMap((family) => family.sums?.(parts) ?? []);
    this.maps = this.#sums.flatMap(({ maps }) => maps);
  }

  meet(owner: Owner): void {
    for (const sums of this.#sums) sums.meet?.(owner);
  }

  /** The number of the pass that a family made; undefined: none had to. */
  pass(nowNs: bigint): number | undefined {
    for (const sums of this.#sums) {
      const pass = sums.pass?.(nowNs);
      if (pass !== undefined) return pass;
    }
    return undefined;
  }

  /** Reads the maps that are read between collections, or the others. */
  read(read: (map: string) => MapImage, { isOften }: { readonly isOften: boolean }): void {
    for (const { map, isReadOften = false, update } of this.maps)
      if (isReadOften === isOften) update(read(map));
  }

  /** One of them, between collections. */
  readOne(name: string, read: (map: string) => MapImage): void {
    for (const { map, update } of this.maps) if (map === name) update(read(map));
  }

  setGauges(pass: number): void {
    for (const sums of this.#sums) sums.setGauges?.(pass);
  }

  settle(pass: number): void {
    for (const sums of this.#sums) sums.settle?.(pass);
  }

  show(table: LiveTable): void {
    for (const sums of this.#sums) sums.show?.(table);
  }

  *awaited(): Generator<string> {
    for (const sums of this.#sums) yield* sums.awaited?.() ?? [];
  }

  boundsMet(): Readonly<Record<string, number>> {
    return Object.assign({}, ...this.#sums.map(({ boundsMet }) => boundsMet)) as Record<string, number>;
  }
}
