/** Intervals that are remembered of each row. */
export const HISTORY = 30;

const SERIES = ['moved', 'rtt', 'retransmits'] as const;
/** Bytes a second both ways; microseconds; segments. */
export type Series = (typeof SERIES)[number];

/** What one row had in each of the last `HISTORY` intervals. Intervals have numbers that count up. */
export class History {
  readonly #values = new Float32Array(SERIES.length * HISTORY);
  #first = Infinity;
  #last = -Infinity;

  /** Sets the figures of `interval`, which is none before the last one. */
  set(interval: number, figures: Readonly<Record<Series, number>>): void {
    this.#first = Math.min(this.#first, interval);
    const from = Math.max(this.#last + 1, interval - HISTORY + 1);
    for (let quiet = Math.max(from, 0); quiet < interval; quiet += 1) this.#put(quiet, undefined);
    this.#put(interval, figures);
    this.#last = interval;
  }

  #put(interval: number, figures: Readonly<Record<Series, number>> | undefined): void {
    SERIES.forEach((series, i) => {
      this.#values[i * HISTORY + (interval % HISTORY)] = figures?.[series] ?? 0;
    });
  }

  /** The last `count` figures up to `interval`, the oldest first; those of before the row began are left out. */
  last(series: Series, interval: number, count: number): number[] {
    const from = Math.max(interval - Math.min(count, HISTORY) + 1, this.#first, 0);
    const values: number[] = [];
    for (let at = from; at <= interval; at += 1) values.push(this.#at(series, at));
    return values;
  }

  #at(series: Series, interval: number): number {
    if (interval > this.#last || interval <= this.#last - HISTORY) return 0;
    return this.#values[SERIES.indexOf(series) * HISTORY + (interval % HISTORY)] ?? 0;
  }
}

/** Heights from nothing to the most, of Unicode and of ASCII. */
const BLOCKS = ' ▁▂▃▄▅▆▇█';
const LETTERS = ' ._-=+*#@';

/** One character a figure, by its share of the greatest; what is more than nothing is never blank. */
export function sparkline(values: readonly number[], isUnicode: boolean): string {
  const ramp = isUnicode ? BLOCKS : LETTERS;
  const most = values.reduce((high, value) => Math.max(high, value), 0);
  return values
    .map((value) => ramp[value > 0 ? Math.max(1, Math.round((value / most) * (ramp.length - 1))) : 0] ?? ' ')
    .join('');
}
