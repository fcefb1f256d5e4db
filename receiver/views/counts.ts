import { BoundedCache } from '../model/bounded-cache.ts';

/** How often each of several things happened, for a table at the end. */
export class Counts<T extends object> {
  readonly #counts: BoundedCache<string, { readonly of: T; count: number }>;
  #forgotten = 0;

  constructor(bound: number) {
    this.#counts = new BoundedCache(bound, ({ count }) => (this.#forgotten += count));
  }

  add(key: string, of: T): void {
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { of, count: 1 });
    else known.count += 1;
  }

  /** What made room, in words. */
  notes(): string[] {
    return this.#forgotten === 0
      ? []
      : [`${String(this.#forgotten)} more were counted, of addresses that made room for newer ones`];
  }

  /** Most first. */
  sorted(): { readonly of: T; readonly count: number }[] {
    return this.#counts
      .entries()
      .map(([, entry]) => entry)
      .sort((a, b) => b.count - a.count);
  }
}
