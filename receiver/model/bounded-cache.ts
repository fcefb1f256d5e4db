import { LRUCache } from 'lru-cache';

type Present = NonNullable<unknown>;

/**
 * A map with a bound: the least recently used entry makes room. `lru-cache` is told the bound as a
 * weight, because with a number of entries it takes the memory of all of them at once: 23 bytes an
 * entry, used or not.
 */
export class BoundedCache<K extends Present, V extends Present> {
  /** Entries that had to make room; never decreases. */
  evictions = 0;
  readonly #cache: LRUCache<K, V>;
  readonly #isWeighed: boolean;

  /**
   * `onEvict` is called for entries that made room: neither for those deleted nor for values replaced.
   * `weightOf` says what an entry counts of `bound`, which is 1 without it; it must not change while
   * the entry is there.
   */
  constructor(bound: number, onEvict?: (value: V, key: K) => void, weightOf?: (value: V, key: K) => number) {
    this.#isWeighed = weightOf !== undefined;
    this.#cache = new LRUCache<K, V>({
      maxSize: Math.max(1, bound),
      sizeCalculation:
        weightOf === undefined ? () => 1 : (value, key) => Math.max(1, Math.ceil(weightOf(value, key))),
      disposeAfter: (value, key, reason) => {
        if (reason !== 'evict') return;
        this.evictions += 1;
        onEvict?.(value, key);
      },
    });
  }

  get size(): number {
    return this.#cache.size;
  }

  /** The weight of all entries together; it is never above the bound. */
  get weight(): number {
    return this.#cache.calculatedSize;
  }

  get(key: K): V | undefined {
    return this.#cache.get(key);
  }

  /** What weighs more than the whole bound is not kept, and counted as if it had made room. */
  set(key: K, value: V): void {
    this.#cache.set(key, value);
    if (this.#isWeighed && !this.#cache.has(key)) this.evictions += 1;
  }

  delete(key: K): boolean {
    return this.#cache.delete(key);
  }

  /** The entry that makes room next. */
  oldest(): readonly [K, V] | undefined {
    for (const key of this.#cache.rkeys()) return this.#entryOf(key);
    return undefined;
  }

  /** The oldest makes room now. */
  evictOldest(): void {
    this.#cache.pop();
  }

  /** Oldest first, as they are now: the cache may change meanwhile. */
  entries(): readonly (readonly [K, V])[] {
    return [...this.#cache.rkeys()].flatMap((key) => {
      const entry = this.#entryOf(key);
      return entry === undefined ? [] : [entry];
    });
  }

  #entryOf(key: K): readonly [K, V] | undefined {
    const value = this.#cache.peek(key);
    return value === undefined ? undefined : [key, value];
  }
}
