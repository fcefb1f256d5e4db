import type { Owner } from '../model/resource.ts';
import { readProcessContext, type ProcessContext } from './process-context.ts';

export interface ProcessContextsOptions {
  readonly procRoot: string;
  isAlive(owner: Owner): boolean;
  /** What it publishes was read while it was surely the process meant. */
  found(owner: Owner, context: ProcessContext): void;
  /** Milliseconds after which a read is given up, and with it all further ones. */
  readonly patienceMs?: number;
  /** Default: of the memory. */
  readonly read?: typeof readProcessContext;
}

/** They are read one after the other, away from the loop, so that a process whose memory cannot be read holds up nobody. */
const maxWaiting = 256;
/** Processes that are asked a second time, since an SDK may not have begun yet, and those of one time. */
const maxAgain = 1_000;
const maxAgainNow = 100;

/** Reads what processes publish of themselves: see process-context.ts. */
export class ProcessContexts {
  /** Asked for while too many waited, or after a read that did not end; never decreases. */
  skipped = 0;
  readonly #options: ProcessContextsOptions;
  readonly #waiting: Owner[] = [];
  readonly #again = new Set<Owner>();
  #isReading = false;
  #isStuck = false;

  constructor(options: ProcessContextsOptions) {
    this.#options = options;
  }

  /** Now, and once more when it found nothing. */
  ask(owner: Owner): void {
    if (this.#again.size < maxAgain) this.#again.add(owner);
    this.#ask(owner);
  }

  /** Once every few seconds. */
  askAgain(): void {
    for (const owner of [...this.#again].slice(0, maxAgainNow)) {
      this.#again.delete(owner);
      this.#ask(owner);
    }
  }

  #ask(owner: Owner): void {
    if (this.#isStuck || this.#waiting.length >= maxWaiting) {
      this.skipped += 1;
      return;
    }
    this.#waiting.push(owner);
    if (!this.#isReading) void this.#readAll();
  }

  async #readAll(): Promise<void> {
    this.#isReading = true;
    for (let owner = this.#waiting.shift(); owner !== undefined; owner = this.#waiting.shift()) {
      const timer = setTimeout(() => this.#giveUp(), this.#options.patienceMs ?? 5_000);
      timer.unref();
      await this.#read(owner);
      clearTimeout(timer);
    }
    this.#isReading = false;
  }

  async #read(owner: Owner): Promise<void> {
    const { procRoot, isAlive, found, read = readProcessContext } = this.#options;
    if (!isAlive(owner)) return;
    const context = await read(procRoot, owner.pid).catch(() => undefined);
    // After the reads, so that it vouches for them.
    if (context === undefined || context.size === 0 || !isAlive(owner)) return;
    this.#again.delete(owner);
    found(owner, context);
  }

  #giveUp(): void {
    this.#isStuck = true;
    this.skipped += this.#waiting.length;
    this.#waiting.length = 0;
  }
}
