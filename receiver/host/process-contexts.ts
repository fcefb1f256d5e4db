import { setTimeout as sleep } from 'node:timers/promises';
import { processId } from '../model/ids.ts';
import type { Owner } from '../model/resource.ts';
import {
  readProcessContext,
  type ContextLook,
  type ProcessContext,
  type Publication,
} from './process-context.ts';

export interface ProcessContextsOptions {
  readonly procRoot: string;
  isAlive(owner: Owner): boolean;
  /** What it publishes, or publishes by now; it was read while it was surely the process meant. */
  found(owner: Owner, context: ProcessContext): void;
  /** Milliseconds, any steady origin. */
  now(): number;
  /** Milliseconds after which a read holds up no end of the agent, and is counted. */
  readonly patienceMs?: number;
  /** Default: of the memory. */
  readonly read?: typeof readProcessContext;
  /** Waits so many milliseconds. */
  readonly rest?: (ms: number) => Promise<unknown>;
}

interface Watch {
  readonly owner: Owner;
  looks: number;
  dueMs: number;
  known?: Publication;
}

/** Processes that are looked at again: an SDK may begin late, and a name may change. */
const maxWatched = 10_000;
/** Those whose turn it is; more have theirs at a later sweep. */
const maxWaiting = 256;
/** After each look, until the next; the last one goes on. */
const againMs = [5_000, 15_000, 60_000, 300_000];
/** What was found is asked for another time of publication alone. */
const knownAgainMs = 15_000;
/** As long as it takes many times over passes between two looks: they take 2% of a processor at most. */
const restFactor = 49;

/**
 * Reads what processes publish of themselves: see process-context.ts. One after the other, away from the loop, so that
 * a process whose memory cannot be read holds up nobody: while one read does not end there is no other.
 */
export class ProcessContexts {
  readonly counters = {
    /** Processes without a place among those watched. */
    unwatched: 0,
    /** Looks that a bound ended, those that the kernel refused, and those that did not end in time. */
    long: 0,
    denied: 0,
    stuck: 0,
  };
  readonly #options: ProcessContextsOptions;
  readonly #watched = new Map<string, Watch>();
  readonly #waiting = new Set<Watch>();
  #isReading = false;

  constructor(options: ProcessContextsOptions) {
    this.#options = options;
  }

  /** Now, and from then on now and then until it is forgotten. */
  watch(owner: Owner): void {
    const id = processId(owner);
    if (this.#watched.has(id)) return;
    if (this.#watched.size >= maxWatched) {
      this.counters.unwatched += 1;
      return;
    }
    const watch = { owner, looks: 0, dueMs: this.#options.now() };
    this.#watched.set(id, watch);
    this.#ask(watch);
  }

  forget(owner: Owner): void {
    const watch = this.#watched.get(processId(owner));
    if (watch === undefined) return;
    this.#watched.delete(processId(owner));
    this.#waiting.delete(watch);
  }

  /** Once every few seconds: asks those whose time has come. */
  sweep(): void {
    const nowMs = this.#options.now();
    for (const watch of this.#watched.values()) {
      if (this.#waiting.size >= maxWaiting) return;
      if (watch.dueMs <= nowMs) this.#ask(watch);
    }
  }

  #ask(watch: Watch): void {
    if (this.#waiting.size >= maxWaiting) return;
    this.#waiting.add(watch);
    watch.dueMs = Infinity;
    if (!this.#isReading) void this.#readAll();
  }

  async #readAll(): Promise<void> {
    const { now, rest = (ms: number) => sleep(ms, undefined, { ref: false }) } = this.#options;
    this.#isReading = true;
    for (const watch of this.#waiting) {
      this.#waiting.delete(watch);
      const startMs = now();
      const timer = setTimeout(() => (this.counters.stuck += 1), this.#options.patienceMs ?? 5_000);
      timer.unref();
      await this.#look(watch);
      clearTimeout(timer);
      await rest((now() - startMs) * restFactor);
    }
    this.#isReading = false;
  }

  async #look(watch: Watch): Promise<void> {
    const { procRoot, isAlive, read = readProcessContext } = this.#options;
    const { owner } = watch;
    const look = isAlive(owner)
      ? await read(procRoot, owner.pid, watch.known).catch(() => undefined)
      : undefined;
    // After the reads, so that it vouches for them.
    if (look === undefined || !isAlive(owner)) this.forget(owner);
    else this.#note(watch, look);
  }

  #note(watch: Watch, look: ContextLook): void {
    const next = againMs[Math.min(watch.looks, againMs.length - 1)] ?? 0;
    watch.looks += 1;
    watch.dueMs = this.#options.now() + (watch.known === undefined ? next : knownAgainMs);
    if (look === 'changing') watch.dueMs = 0;
    if (look === 'long' || look === 'denied') {
      this.counters[look] += 1;
      // It will not be otherwise.
      watch.dueMs = Infinity;
    }
    if (typeof look === 'string' || this.#watched.get(processId(watch.owner)) !== watch) return;
    watch.known = look;
    watch.dueMs = this.#options.now() + knownAgainMs;
    this.#options.found(watch.owner, look.context);
  }
}
