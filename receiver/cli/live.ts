import { renderJson, renderTable, type TableRow } from './table.ts';

/** What is shown now. */
export interface LiveView {
  readonly rows: readonly TableRow[];
  readonly status: string;
}

/** The part of a terminal's stream that is used; `process.stdout` is one. */
export interface LiveStream {
  readonly columns?: number;
  readonly rows?: number;
  readonly writableNeedDrain?: boolean;
  write(text: string): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

export interface LiveOptions {
  readonly stream: LiveStream;
  readonly read: () => LiveView;
  /** Default 1000. */
  readonly intervalMs?: number;
  /** Default: the present time. */
  readonly clock?: () => Date;
}

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';

/** Redraws a view on a stream; a stream that does not take it, or is gone, costs frames and nothing else. */
abstract class LiveOutput {
  protected readonly stream: LiveStream;
  readonly #options: LiveOptions;
  #timer: NodeJS.Timeout | undefined;
  #skipped = 0;
  readonly #onError = (): void => this.stop();

  constructor(options: LiveOptions) {
    this.stream = options.stream;
    this.#options = options;
  }

  /** Frames left out because the stream was still busy. */
  get skippedFrames(): number {
    return this.#skipped;
  }

  get isRunning(): boolean {
    return this.#timer !== undefined;
  }

  /** Draws now and then each interval; keeps no process alive. */
  start(): void {
    if (this.isRunning) return;
    this.stream.on('error', this.#onError);
    this.#timer = setInterval(() => this.#tick(), this.#options.intervalMs ?? 1000);
    this.#timer.unref();
    this.begin();
    this.#tick();
  }

  /** Draws the last frame and gives the stream back. Safe to call twice. */
  stop(): void {
    if (!this.isRunning) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.end();
    this.stream.off('error', this.#onError);
  }

  #tick(): void {
    if (this.stream.writableNeedDrain === true) this.#skipped++;
    else this.draw(this.view, this.now);
  }

  protected get view(): LiveView {
    return this.#options.read();
  }

  protected get now(): Date {
    return this.#options.clock?.() ?? new Date();
  }

  protected abstract begin(): void;
  protected abstract draw(view: LiveView, now: Date): void;
  protected abstract end(): void;
}

/** The table on a terminal, in place; the lines above stay as they are. */
export class LiveTable extends LiveOutput {
  #drawn = '';
  readonly #restore = (): void => void this.stream.write(SHOW_CURSOR);

  /**
   * Writes lines above the table, such as those of the log, which would tear it
   * when they went to the same terminal by another way.
   */
  writeAbove(text: string): void {
    if (!this.isRunning) {
      this.stream.write(text);
      return;
    }
    this.stream.write(`${this.#erase()}${text.endsWith('\n') ? text : `${text}\n`}${this.#drawn}`);
  }

  protected override begin(): void {
    process.once('exit', this.#restore);
    this.stream.write(HIDE_CURSOR);
  }

  protected override draw({ rows, status }: LiveView, now: Date): void {
    // A terminal that does not know its size says 0.
    const { columns = 0, rows: lines = 0 } = this.stream;
    const width = Math.max(20, columns === 0 ? 80 : columns);
    const height = Math.max(5, (lines === 0 ? 24 : lines) - 1);
    const frame = renderTable(rows, { width, height, now, status });
    this.stream.write(this.#erase() + frame);
    this.#drawn = frame;
  }

  protected override end(): void {
    process.off('exit', this.#restore);
    this.draw(this.view, this.now);
    this.stream.write(`\n${SHOW_CURSOR}`);
    this.#drawn = '';
  }

  /** From the end of the last frame to its first column, and nothing below. */
  #erase(): string {
    const up = this.#drawn.split('\n').length - 1;
    return `\r${up > 0 ? `\x1b[${String(up)}A` : ''}\x1b[J`;
  }
}

/** One JSON line a row and interval. */
export class LiveJson extends LiveOutput {
  protected override begin(): void {}

  protected override draw({ rows }: LiveView, now: Date): void {
    const text = renderJson(rows, now);
    if (text !== '') this.stream.write(text);
  }

  protected override end(): void {
    this.draw(this.view, this.now);
  }
}
