import { LiveOutput, type LiveOptions } from './live.ts';
import { TableFrames, type LiveView } from './table-frames.ts';

/** Ticks from page to page; the first comes one tick after the start, when there are rates. */
const TICKS = 5;
/** Rows of processes that nobody pages through. */
const MAX_LINES = 50;

/** The table as text, page after page, for what cannot be drawn over: a pipe, a file, a terminal that only prints. */
export class LivePages extends LiveOutput {
  readonly #width: number;
  readonly #frames = new TableFrames();
  #ticks = 0;

  constructor({ width, ...options }: LiveOptions & { readonly width: number }) {
    super(options);
    this.#width = width;
  }

  protected override get isDue(): boolean {
    const tick = this.#ticks++;
    return tick === 0 || tick % TICKS === 1;
  }

  protected override draw(view: LiveView, now: Date): void {
    this.#frames.take(view, now);
    if (this.#ticks > 1) this.stream.write(`${this.#frames.render(this.#width, MAX_LINES)}\n\n`);
  }

  protected override end(): void {
    this.#ticks += 1;
    this.draw(this.view, this.now);
  }
}
