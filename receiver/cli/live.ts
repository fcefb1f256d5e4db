import { renderJson } from './table.ts';
import type { LiveView } from './table-frames.ts';

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

/** Redraws a view on a stream; a stream that does not take it, or is gone, costs frames and nothing else. */
export abstract class LiveOutput {
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
    if (!this.isDue) return;
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

  /** Asked once an interval: whether something is drawn then. */
  protected get isDue(): boolean {
    return true;
  }

  protected begin(): void {}
  /** Undoes what `begin` did; the stream may be gone. */
  protected release(): void {}
  protected abstract draw(view: LiveView, now: Date): void;
  protected abstract end(): void;
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
