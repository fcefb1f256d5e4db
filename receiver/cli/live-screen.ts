import { LinesAbove } from './lines-above.ts';
import { LiveOutput, type LiveOptions } from './live.ts';
import { TableFrames, type LiveView } from './table-frames.ts';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_SCREEN = '\x1b[H\x1b[J';
const MIN_WIDTH = 20;
const MIN_HEIGHT = 5;

/** Columns and lines of the terminal; one that does not know says 0, or nothing. */
export type TerminalSize = () => { readonly columns?: number; readonly rows?: number };

/** The table on a terminal, in place; the lines above stay as they are. */
export class LiveScreen extends LiveOutput {
  readonly #sizeNow: TerminalSize;
  readonly #frames = new TableFrames();
  readonly #above = new LinesAbove();
  #size = { width: 0, height: 0 };
  #drawn = '';
  readonly #restore = (): void => void this.stream.write(SHOW_CURSOR);

  constructor({ size, ...options }: LiveOptions & { readonly size: TerminalSize }) {
    super(options);
    this.#sizeNow = size;
  }

  /**
   * Writes lines above the table, such as those of the log, which would tear it
   * when they went to the same terminal by another way.
   */
  writeAbove(text: string): void {
    const before = this.#erase();
    const lines = this.#above.add(text, this.#size.width, performance.now());
    if (this.isRunning) this.#show(before + lines);
    else this.stream.write(lines);
  }

  protected override begin(): void {
    process.once('exit', this.#restore);
    this.stream.write(HIDE_CURSOR);
  }

  protected override draw(view: LiveView, now: Date): void {
    this.#frames.take(view, now);
    this.#show(this.#erase());
  }

  protected override release(): void {
    process.off('exit', this.#restore);
  }

  protected override end(): void {
    this.draw(this.view, this.now);
    this.stream.write(`\n${SHOW_CURSOR}`);
    this.#drawn = '';
  }

  /** The frame after `before`, so high that no message above it is torn. */
  #show(before: string): void {
    const { width, height } = this.#size;
    const table = this.#frames.render(
      width,
      Math.max(MIN_HEIGHT, this.#above.room(height, performance.now())),
    );
    const frame = table + '\n'.repeat(this.#above.padding(table.split('\n').length, height));
    if (this.stream.write(before + frame)) this.#drawn = frame;
  }

  /** From the end of the last frame to its first column, and nothing below; all of it when lines were broken anew. */
  #erase(): string {
    const { columns = 0, rows = 0 } = this.#sizeNow();
    const width = Math.max(MIN_WIDTH, columns === 0 ? 80 : columns);
    const height = Math.max(MIN_HEIGHT, rows === 0 ? 24 : rows);
    const isOther = this.#size.width !== width || this.#size.height !== height;
    const isResized = isOther && this.#drawn !== '';
    this.#size = { width, height };
    if (isResized) {
      this.#above.clear();
      return CLEAR_SCREEN;
    }
    const up = this.#drawn.split('\n').length - 1;
    return `\r${up > 0 ? `\x1b[${String(up)}A` : ''}\x1b[J`;
  }
}
