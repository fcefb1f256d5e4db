import type { RareSeries } from '../model/metric-sink.ts';

/**
 * Counters that a resource has at zero from its next collection on. Each is asked for once as long as the resource is
 * here. What waits is as much as there are rows of kernel sums.
 */
export class Expected {
  readonly #known = new WeakSet<object>();
  #waiting: (() => readonly RareSeries[])[] = [];

  /** `by`: what the series are of, such as a row. */
  add(by: object, series: () => readonly RareSeries[]): void {
    if (this.#known.has(by)) return;
    this.#known.add(by);
    this.#waiting.push(series);
  }

  /** Those that came since the last time; none when the resource is over. */
  take(isOver: boolean): RareSeries[] {
    if (this.#waiting.length === 0) return [];
    const taken = isOver ? [] : this.#waiting.flatMap((series) => series());
    this.#waiting = [];
    return taken;
  }
}
