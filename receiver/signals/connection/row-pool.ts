import { RowMemory } from '../context.ts';

/** Memory of this many rows is allocated, and given back, together. */
const ROWS_PER_SLAB = 128;

interface Slab {
  /** Two words a cell. */
  readonly seen: Uint32Array;
  /** Places that nobody has. */
  readonly free: number[];
}

/** A memory that goes back to its pool. */
class PooledMemory extends RowMemory {
  readonly slab: Slab;
  readonly place: number;

  constructor(cells: number, slab: Slab, place: number) {
    super(cells, { seen: slab.seen, first: place * cells });
    this.slab = slab;
    this.place = place;
  }
}

/**
 * Memories of rows of one size. Rows come and go by the thousand with short-lived processes: one
 * by one they would leave holes all over the allocator's heap, which then never shrinks.
 */
export class RowPool {
  readonly #cells: number;
  readonly #withRoom = new Set<Slab>();
  #slabs = 0;

  constructor(cells: number) {
    this.#cells = cells;
  }

  /** Rows that there is memory for, taken or not. */
  get capacity(): number {
    return this.#slabs * ROWS_PER_SLAB;
  }

  /** A memory of zeros. */
  take(): RowMemory {
    const [slab = this.#newSlab()] = this.#withRoom;
    const place = slab.free.pop() ?? 0;
    if (slab.free.length === 0) this.#withRoom.delete(slab);
    const first = 2 * place * this.#cells;
    slab.seen.fill(0, first, first + 2 * this.#cells);
    return new PooledMemory(this.#cells, slab, place);
  }

  /** From now on the memory is another row's, or nobody's. Once for each that was taken here. */
  release(memory: RowMemory): void {
    if (!(memory instanceof PooledMemory)) return;
    const { slab, place } = memory;
    slab.free.push(place);
    this.#withRoom.add(slab);
    if (slab.free.length < ROWS_PER_SLAB) return;
    this.#withRoom.delete(slab);
    this.#slabs -= 1;
  }

  #newSlab(): Slab {
    const free = Array.from({ length: ROWS_PER_SLAB }, (_, i) => ROWS_PER_SLAB - 1 - i);
    const slab = { seen: new Uint32Array(2 * ROWS_PER_SLAB * this.#cells), free };
    this.#withRoom.add(slab);
    this.#slabs += 1;
    return slab;
  }
}
