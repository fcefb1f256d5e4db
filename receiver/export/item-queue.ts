/** Bytes that an item of a queue may have on average; a workload's usual spans and events have 1,000 to 1,500. */
export const BYTES_PER_PLACE = 2_048;
/** The most of one request, as its items are estimated: below the 4 MiB that collectors accept by default. */
const MAX_BATCH_BYTES = 3_000_000;

/** Items that wait, first in, first out: bounded by their number, and by their size together. */
export class ItemQueue<T> {
  readonly #capacity: number;
  readonly #maxBytes: number;
  readonly #sizeOf: (item: T) => number;
  #items: T[] = [];
  #sizes: number[] = [];
  #bytes = 0;

  /** Holds `capacity` items of `BYTES_PER_PLACE` bytes each, so fewer that are larger. */
  constructor(capacity: number, sizeOf: (item: T) => number) {
    this.#capacity = capacity;
    this.#maxBytes = capacity * BYTES_PER_PLACE;
    this.#sizeOf = sizeOf;
  }

  get length(): number {
    return this.#items.length;
  }

  /** As estimated. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether what waits is enough for a request, or half of what has room here, however few items it is. */
  get isLarge(): boolean {
    return this.#bytes >= Math.min(MAX_BATCH_BYTES, this.#maxBytes / 2);
  }

  /** False when there is no room. An empty queue takes any item. */
  push(item: T): boolean {
    const size = this.#measure(item);
    if (this.length >= this.#capacity) return false;
    if (this.length > 0 && this.#bytes + size > this.#maxBytes) return false;
    this.#items.push(item);
    this.#sizes.push(size);
    this.#bytes += size;
    return true;
  }

  /** What cannot be measured cannot be encoded either, which is told then. */
  #measure(item: T): number {
    try {
      return this.#sizeOf(item);
    } catch {
      return BYTES_PER_PLACE;
    }
  }

  /** Takes the first items out: at most `count`, and at most one request's bytes, but one item at least. */
  take(count: number): T[] {
    let taken = 0;
    let bytes = 0;
    for (const size of this.#sizes) {
      if (taken >= count || (taken > 0 && bytes + size > MAX_BATCH_BYTES)) break;
      taken += 1;
      bytes += size;
    }
    this.#sizes.splice(0, taken);
    this.#bytes -= bytes;
    return this.#items.splice(0, taken);
  }
}
