import { BoundedCache } from '../model/bounded-cache.ts';

/** Addresses that are counted apart; of more, the ones that were quiet for longest make room. */
const MAX_COUNTS = 65_536;

/** How often each of several things happened, for a table at the end. */
export class Counts<T extends object> {
  readonly #counts: BoundedCache<string, { readonly of: T; count: number }>;
  #forgotten = 0;

  constructor(bound = MAX_COUNTS) {
    this.#counts = new BoundedCache(bound, ({ count }) => (this.#forgotten += count));
  }

  add(key: string, of: T): void {
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { of, count: 1 });
    else known.count += 1;
  }

  /** How often it was something that had to make room. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Most first. */
  sorted(): { readonly of: T; readonly count: number }[] {
    return this.#counts
      .entries()
      .map(([, entry]) => entry)
      .sort((a, b) => b.count - a.count);
  }
}

/** The line below a table of counts, where the bound left something out. */
export function forgottenLines({ forgotten }: { readonly forgotten: number }): string[] {
  return forgotten === 0 ? [] : [`and ${String(forgotten)} more, of addresses that made room for newer ones`];
}
