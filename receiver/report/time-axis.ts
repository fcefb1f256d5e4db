/** Slices of a plot. Even: two become one. */
export const MAX_SLICES = 96;
const FIRST_WIDTH_MS = 1_000;

/** Time in slices of one length, which doubles whenever there would be too many: it need not be known how long it takes. */
export class TimeAxis {
  readonly startMs: number;
  #widthMs = FIRST_WIDTH_MS;

  /** Unix milliseconds. What was before that is in the first slice. */
  constructor(startMs: number) {
    this.startMs = startMs;
  }

  get widthMs(): number {
    return this.#widthMs;
  }

  /** The slice that a time is in. */
  sliceOf(ms: number): number {
    const sinceMs = Math.max(0, ms - this.startMs);
    while (sinceMs >= this.#widthMs * MAX_SLICES) this.#widthMs *= 2;
    return Math.floor(sinceMs / this.#widthMs);
  }
}

/** A sum by slice. */
export class Slices {
  total = 0;
  readonly #axis: TimeAxis;
  #widthMs: number;
  #counts: number[] = [];

  constructor(axis: TimeAxis) {
    this.#axis = axis;
    this.#widthMs = axis.widthMs;
  }

  add(ms: number, count: number): void {
    this.total += count;
    const slice = this.#axis.sliceOf(ms);
    this.#fit();
    this.#counts[slice] = (this.#counts[slice] ?? 0) + count;
  }

  /** As many as asked for. */
  counts(length: number): number[] {
    this.#fit();
    return Array.from({ length }, (_, slice) => this.#counts[slice] ?? 0);
  }

  /** The axis may have become coarser since. */
  #fit(): void {
    for (; this.#widthMs < this.#axis.widthMs; this.#widthMs *= 2) {
      const counts = this.#counts;
      const at = (slice: number): number => counts[slice] ?? 0;
      this.#counts = Array.from(
        { length: Math.ceil(counts.length / 2) },
        (_, i) => at(2 * i) + at(2 * i + 1),
      );
    }
  }
}
