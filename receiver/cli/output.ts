import type { Sink } from './sink.ts';

/** Bytes that may wait for a reader: some thousand lines of the log. One write may be longer when nothing waits. */
const MAX_WAITING_BYTES = 256 * 1024;
const MIN_RETRY_MS = 10;
const MAX_RETRY_MS = 250;
/** Nobody will read what is written there, but for a named pipe. */
const GONE: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET', 'EIO', 'ENXIO', 'EBADF']);

export interface OutputOptions {
  readonly maxWaitingBytes?: number;
}

/** What a stream did not take. */
export interface Dropped {
  readonly writes: number;
  /** Such as ENOSPC; EAGAIN: nobody read. */
  readonly cause: string;
}

/**
 * A standard stream that never makes the agent wait and never ends it. What nobody takes waits up to a bound; past it,
 * and when the stream fails, whole writes are dropped and counted. Each later write tries again.
 */
export class Output {
  readonly #sink: Sink;
  readonly #maxWaitingBytes: number;
  readonly #goneListeners = new Set<(cause: string) => void>();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  #isPumping = false;
  /** Part of a line is out: its rest waits, or, when the stream failed, the next line begins with a line break. */
  #isTorn = false;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = MIN_RETRY_MS;
  #dropped = 0;
  /** Dropped since the stream last took everything. */
  #unsaid = { writes: 0, cause: '' };
  #failure: string | undefined;
  #onIdle: (() => void)[] = [];
  /** Called when the stream takes everything again after it had not. */
  onFlow: (dropped: Dropped) => void = () => undefined;

  constructor(sink: Sink, { maxWaitingBytes = MAX_WAITING_BYTES }: OutputOptions = {}) {
    this.#sink = sink;
    this.#maxWaitingBytes = maxWaitingBytes;
  }

  /** Writes that were dropped since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether something waits for a reader. */
  get isBusy(): boolean {
    return this.#waiting.length > 0;
  }

  /** Why the last write failed, such as ENOSPC; undefined while all is well. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Whether a write that nobody takes would hold up `process.exit`. */
  get isStuck(): boolean {
    return this.#isWriting && this.#sink.holdsThread;
  }

  /** Calls back, with the error's code, when a write finds that nobody is there to read. */
  onGone(listener: (cause: string) => void): void {
    this.#goneListeners.add(listener);
  }

  offGone(listener: (cause: string) => void): void {
    this.#goneListeners.delete(listener);
  }

  /** Whole lines. False: they were dropped. */
  write(text: string): boolean {
    const bytes = Buffer.from(this.#isTorn && !this.isBusy ? `\n${text}` : text);
    if (this.isBusy && this.#waitingBytes + bytes.length > this.#maxWaitingBytes) {
      this.#drop(1);
      return false;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#pump();
    return true;
  }

  /** Resolves with true when nothing waits any more, and with false after `withinMs`. */
  async drain(withinMs = Infinity): Promise<boolean> {
    if (!this.isBusy) return true;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onIdle.push(resolve);
      if (withinMs < Infinity) timer = setTimeout(resolve, withinMs);
    });
    clearTimeout(timer);
    return !this.isBusy;
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#isWriting && this.#retry === undefined) {
      const [next] = this.#waiting;
      if (next === undefined) break;
      this.#isWriting = true;
      this.#sink.write(next, (error, count) => this.#taken(next, error, count));
    }
    this.#isPumping = false;
  }

  #taken(bytes: Uint8Array, error: NodeJS.ErrnoException | undefined, count: number): void {
    this.#isWriting = false;
    if (error === undefined) this.#advance(bytes, count);
    else if (error.code === 'EAGAIN') this.#retryLater();
    else this.#fail(error.code ?? error.message);
    this.#pump();
  }

  #advance(bytes: Uint8Array, count: number): void {
    this.#failure = undefined;
    this.#retryMs = MIN_RETRY_MS;
    this.#waitingBytes -= count;
    this.#isTorn = count < bytes.length;
    if (this.#isTorn) this.#waiting[0] = bytes.subarray(count);
    else this.#waiting.shift();
    if (!this.isBusy) this.#settle();
  }

  #retryLater(): void {
    this.#unsaid.cause = 'EAGAIN';
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#pump();
    }, this.#retryMs);
    this.#retryMs = Math.min(MAX_RETRY_MS, this.#retryMs * 2);
  }

  /** Nothing that waits can go out. */
  #fail(cause: string): void {
    this.#failure = cause;
    this.#unsaid.cause = cause;
    this.#drop(this.#waiting.length);
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (GONE.has(cause)) for (const listener of [...this.#goneListeners]) listener(cause);
    this.#settle();
  }

  #drop(writes: number): void {
    this.#dropped += writes;
    this.#unsaid.writes += writes;
  }

  #settle(): void {
    for (const resolve of this.#onIdle.splice(0)) resolve();
    if (this.#failure !== undefined || this.#unsaid.writes === 0) return;
    const said = this.#unsaid;
    this.#unsaid = { writes: 0, cause: '' };
    // Not within this write: what is said then is written too.
    setImmediate(() => this.onFlow(said));
  }
}
