import type { MapRow } from '../model/map-image.ts';
import { RowMemory } from './context.ts';

/** What was seen of each row of a kernel map. */
export class Memories {
  readonly #rows = new Map<string, RowMemory>();
  readonly #cells: number;

  /** `cells`: of 8 bytes, of a row's value. */
  constructor(cells: number) {
    this.#cells = cells;
  }

  of({ id }: MapRow): RowMemory {
    let memory = this.#rows.get(id);
    if (memory === undefined) {
      memory = new RowMemory(this.#cells);
      this.#rows.set(id, memory);
    }
    return memory;
  }

  forget(id: string): void {
    this.#rows.delete(id);
  }
}
