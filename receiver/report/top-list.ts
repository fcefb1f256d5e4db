import type { Ranking } from './report.ts';

/** Rows of a table. */
const SHOWN_ROWS = 15;

/** The rows with the highest ranks, of however many. */
export class TopList<Row> {
  readonly #most: number;
  /** The highest rank first. */
  readonly #kept: { readonly row: Row; readonly ranks: readonly number[] }[] = [];
  #offered = 0;

  constructor(most = SHOWN_ROWS) {
    this.#most = most;
  }

  /** `ranks`: where the first are equal the next decide. What comes first stays first where all are. */
  offer(row: Row, ...ranks: readonly number[]): void {
    this.#offered += 1;
    const after = this.#kept.findIndex((kept) => isHigher(ranks, kept.ranks));
    if (after >= 0) this.#kept.splice(after, 0, { row, ranks });
    else if (this.#kept.length < this.#most) this.#kept.push({ row, ranks });
    if (this.#kept.length > this.#most) this.#kept.pop();
  }

  ranking(): Ranking<Row> {
    return { rows: this.#kept.map(({ row }) => row), more: this.#offered - this.#kept.length };
  }
}

function isHigher(ranks: readonly number[], than: readonly number[]): boolean {
  const at = ranks.findIndex((rank, index) => rank !== than[index]);
  return at >= 0 && (ranks[at] ?? 0) > (than[at] ?? 0);
}
