import type { LiveRow } from '../signals/live-table.ts';
import { renderJson, renderTable } from './table.ts';

/** What is shown now. */
export interface LiveView {
  readonly rows: readonly LiveRow[];
  readonly status: string;
}

/** The part of an `Output` that is used. */
export interface LiveStream {
  /** Whether something waits for a reader. */
  readonly isBusy: boolean;
  /** False: it was dropped. */
  write(text: string): boolean;
  onGone(listener: (cause: string) => void): void;
  offGone(listener: (cause: string) => void): void;
}

export interface LiveOptions {
  readonly stream: LiveStream;
  /** Columns and lines of the terminal, now. One that does not know says 0, or nothing. */
  readonly size?: () => { readonly columns?: number; readonly rows?: number };
  /** Called when nobody reads any more and the view has ended. */
  readonly onGone?: (cause: string) => void;
  /** Called when a stream that was busy takes frames again, with how many were left out. */
  readonly onSkipped?: (frames: number) => void;
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
  protected readonly options: LiveOptions;
  #timer: NodeJS.Timeout | undefined;
  #skipped = 0;
  #unsaid = 0;
  readonly #onGone = (cause: string): void => {
    if (!this.isRunning) return;
    this.#finish();
    this.options.onGone?.(cause);
  };

  constructor(options: LiveOptions) {
    this.stream = options.stream;
    this.options = options;
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
    this.stream.onGone(this.#onGone);
    this.#timer = setInterval(() => this.#tick(), this.options.intervalMs ?? 1000);
    this.#timer.unref();
    this.begin();
    this.#tick();
  }

  /** Draws the last frame and gives the stream back. Safe to call twice. */
  stop(): void {
    if (!this.isRunning) return;
    this.end();
    this.#finish();
  }

  #finish(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.release();
    this.stream.offGone(this.#onGone);
  }

  #tick(): void {
    if (this.stream.isBusy) {
      this.#skipped++;
      this.#unsaid++;
      return;
    }
    this.draw(this.view, this.now);
    const frames = this.#unsaid;
    this.#unsaid = 0;
    if (frames > 0) this.options.onSkipped?.(frames);
  }

  protected get view(): LiveView {
    return this.options.read();
  }

  protected get now(): Date {
    return this.options.clock?.() ?? new Date();
  }

  protected begin(): void {}
  /** Undoes what `begin` did; the stream may be gone. */
  protected release(): void {}
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
    const { columns = 0, rows: lines = 0 } = this.options.size?.() ?? {};
    const width = Math.max(20, columns === 0 ? 80 : columns);
    const height = Math.max(5, (lines === 0 ? 24 : lines) - 1);
    const frame = renderTable(rows, { width, height, now, status });
    if (this.stream.write(this.#erase() + frame)) this.#drawn = frame;
  }

  protected override release(): void {
    process.off('exit', this.#restore);
  }

  protected override end(): void {
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
  protected override draw({ rows }: LiveView, now: Date): void {
    const text = renderJson(rows, now);
    if (text !== '') this.stream.write(text);
  }

  protected override end(): void {
    this.draw(this.view, this.now);
  }
}
