interface Slot<V> {
  value: V;
  isRecent: boolean;
}

/**
 * A map with a bound. When full, the oldest entry that was not read since the last
 * sweep goes (second chance): near LRU, without a write per read.
 */
export class BoundedCache<K, V> {
  /** Entries that had to make room; never decreases. */
  evictions = 0;
  readonly #slots = new Map<K, Slot<V>>();
  /**
   * Stands before the oldest entry: what it has passed is gone or at the end again. Kept,
   * because a new iterator would step over the place of every deleted entry.
   */
  #oldest = this.#slots.entries();
  readonly #maxEntries: number;
  readonly #onEvict: ((value: V, key: K) => void) | undefined;

  /** `onEvict` is called for entries that make room, not for those deleted. */
  constructor(maxEntries: number, onEvict?: (value: V, key: K) => void) {
    this.#maxEntries = Math.max(1, maxEntries);
    this.#onEvict = onEvict;
  }

  get size(): number {
    return this.#slots.size;
  }

  get(key: K): V | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    slot.isRecent = true;
    return slot.value;
  }

  set(key: K, value: V): void {
    const slot = this.#slots.get(key);
    if (slot !== undefined) {
      slot.value = value;
      slot.isRecent = true;
      return;
    }
    if (this.#slots.size >= this.#maxEntries) this.#evict();
    this.#slots.set(key, { value, isRecent: false });
  }

  delete(key: K): boolean {
    return this.#slots.delete(key);
  }

  /** Oldest first. Safe against deletion while iterating. */
  *entries(): IterableIterator<[K, V]> {
    for (const [key, slot] of this.#slots) yield [key, slot.value];
  }

  #evict(): void {
    for (;;) {
      const { done, value } = this.#oldest.next();
      if (done === true) {
        this.#oldest = this.#slots.entries();
        continue;
      }
      const [key, slot] = value;
      this.#slots.delete(key);
      if (!slot.isRecent) {
        this.evictions += 1;
        this.#onEvict?.(slot.value, key);
        return;
      }
      slot.isRecent = false;
      this.#slots.set(key, slot);
    }
  }
}
