import { createRequire } from 'node:module';
import type wrapAnsi from 'wrap-ansi';

/** How long a line of the log keeps its place before the table may need it. */
const KEPT_MS = 10_000;
/** Messages whose height is known: more are never above a table. */
const MAX_MESSAGES = 100;

let library: typeof wrapAnsi | undefined;

/** Only a table on a terminal has lines above it: what wraps them takes longer to read than all that is ours of a view. */
const wrap: typeof wrapAnsi = (...given) => {
  library ??= (createRequire(import.meta.url)('wrap-ansi') as { readonly default: typeof wrapAnsi }).default;
  return library(...given);
};

/** What stands above the table on a terminal: whole messages, however the table grows and shrinks. */
export class LinesAbove {
  /** Lines of each message, the last one first. */
  #heights: number[] = [];
  #lastMs = -Infinity;

  /** The message as it fits `width`, wrapped between words, each line with its end. */
  add(text: string, width: number, nowMs: number): string {
    const wrapped = wrap(text.replace(/\n$/, ''), width, { hard: true, trim: false });
    this.#heights = [wrapped.split('\n').length, ...this.#heights.slice(0, MAX_MESSAGES)];
    this.#lastMs = nowMs;
    return `${wrapped}\n`;
  }

  /** Nothing of them is on the screen any more. */
  clear(): void {
    this.#heights = [];
  }

  /** Lines that the table may have of `rows`: the last message stays a while, unless it takes half of them. */
  room(rows: number, nowMs: number): number {
    const [last = 0] = this.#heights;
    const isKept = nowMs - this.#lastMs < KEPT_MS && last <= rows / 2;
    return isKept ? rows - last : rows;
  }

  /** Lines that a table of `height` must have more, so that no message above it has lost its first lines. */
  padding(height: number, rows: number): number {
    let whole = 0;
    for (const lines of this.#heights) {
      if (whole + lines > rows - height) return rows - height - whole;
      whole += lines;
    }
    return 0;
  }
}
