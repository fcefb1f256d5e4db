/** A small generator with a seed that a failure prints (Lehmer). */
export class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed % 2147483646) + 1;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state * 48271) % 2147483647;
    return this.#state % limit;
  }
}
