import type { MapImage } from '../model/map-image.ts';
import { RecordDispatch } from '../model/record-handlers.ts';
import type { SignalRecord } from '../model/record.ts';
import type { Owner } from '../model/resource.ts';
import type { FamilySums, SumsMap, SumsParts } from '../signals/family.ts';
import { FAMILIES } from '../signals/index.ts';
import type { LiveTable } from '../signals/live-table.ts';

/** The sums of every family. */
export class SignalSums {
  readonly #sums: readonly FamilySums[];
  readonly maps: readonly SumsMap[];
  readonly #dispatch: RecordDispatch;

  constructor(parts: SumsParts) {
    this.#sums = FAMILIES.flatMap((family) => family.sums?.(parts) ?? []);
    this.maps = this.#sums.flatMap(({ maps }) => maps);
    this.#dispatch = new RecordDispatch(this.#sums.flatMap(({ handlers }) => handlers ?? []));
  }

  /** A record came, which some of them may count. */
  see(record: SignalRecord): void {
    this.#dispatch.handle(record);
  }

  meet(owner: Owner): void {
    for (const sums of this.#sums) sums.meet?.(owner);
  }

  tick(nowNs: bigint): void {
    for (const sums of this.#sums) sums.tick?.(nowNs);
  }

  end(): void {
    for (const sums of this.#sums) sums.end?.();
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
