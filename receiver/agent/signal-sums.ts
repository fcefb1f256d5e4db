import type { MapImage } from '../model/map-image.ts';
import type { Owner } from '../model/resource.ts';
import type { Family, FamilySums, SumsMap, SumsParts } from '../signals/family.ts';
import { FAMILIES } from '../signals/index.ts';

/** The sums of every family. */
export class SignalSums {
  readonly #sums = new Map<Family, FamilySums>();
  readonly maps: readonly SumsMap[];

  constructor(parts: SumsParts) {
    for (const family of FAMILIES) {
      const sums = family.sums?.(parts);
      if (sums !== undefined) this.#sums.set(family, sums);
    }
    this.maps = [...this.#sums.values()].flatMap(({ maps }) => maps);
  }

  /** Those of one family, for who shows it. */
  of<S extends FamilySums>(family: Family<object, S>): S {
    return this.#sums.get(family) as S;
  }

  meet(owner: Owner): void {
    for (const sums of this.#sums.values()) sums.meet?.(owner);
  }

  /** The number of the pass that a family made; undefined: none had to. */
  pass(nowNs: bigint): number | undefined {
    for (const sums of this.#sums.values()) {
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

  setGauges(pass: number): void {
    for (const sums of this.#sums.values()) sums.setGauges?.(pass);
  }

  settle(pass: number): void {
    for (const sums of this.#sums.values()) sums.settle?.(pass);
  }

  *awaited(): Generator<string> {
    for (const sums of this.#sums.values()) yield* sums.awaited?.() ?? [];
  }

  boundsMet(): Readonly<Record<string, number>> {
    return Object.assign({}, ...[...this.#sums.values()].map(({ boundsMet }) => boundsMet)) as Record<
      string,
      number
    >;
  }
}
