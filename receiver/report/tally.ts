import type { Breakdown } from './report.ts';
import { Slices, type TimeAxis } from './time-axis.ts';

/** Names that are known each; what comes then is of the others. */
const MAX_NAMES = 1_000;
/** Parts that a plot can tell from each other; one more is all others. */
const SHOWN_PARTS = 5;

/** A sum by name and over time, of however many names. */
export class Tally {
  readonly #axis: TimeAxis;
  readonly #byName = new Map<string, Slices>();
  readonly #unnamed: Slices;
  readonly #maxNames: number;

  constructor(axis: TimeAxis, maxNames = MAX_NAMES) {
    this.#axis = axis;
    this.#maxNames = maxNames;
    this.#unnamed = new Slices(axis);
  }

  /** `ms`: Unix milliseconds. */
  add(name: string, ms: number, count: number): void {
    if (count === 0) return;
    let slices = this.#byName.get(name);
    if (slices === undefined) {
      if (this.#byName.size >= this.#maxNames) return this.#unnamed.add(ms, count);
      this.#byName.set(name, (slices = new Slices(this.#axis)));
    }
    slices.add(ms, count);
  }

  /** `length`: how many slices there are. */
  breakdown(length: number, shown = SHOWN_PARTS): Breakdown {
    const all = [...this.#byName].sort(([a, { total: x }], [b, { total: y }]) => y - x || (a < b ? -1 : 1));
    const others = [...all.slice(shown).map(([, slices]) => slices), this.#unnamed];
    const slices = others.map((each) => each.counts(length));
    return {
      total: sum(all.map(([, { total }]) => total)) + this.#unnamed.total,
      parts: all.slice(0, shown).map(([name, each]) => ({
        ...{ name, total: each.total },
        slices: each.counts(length),
      })),
      others: {
        names: others.length - 1,
        isUncounted: this.#unnamed.total > 0,
        total: sum(others.map(({ total }) => total)),
        slices: Array.from({ length }, (_, slice) => sum(slices.map((counts) => counts[slice] ?? 0))),
      },
    };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
