import { setTimeout as sleep } from 'node:timers/promises';
import { processId } from '../model/ids.ts';
import type { Owner } from '../model/resource.ts';
import { readThreadLayout, type ThreadLayout } from './thread-layout.ts';
import { modelOf } from './thread-schema.ts';
import {
  readProcessContext,
  type ContextLook,
  type ProcessContext,
  type Publication,
} from './process-context.ts';

/** Who is told where the threads of processes publish their trace context. */
export interface ThreadReader {
  /** Processes for which it had no room. */
  readonly unheld: number;
  /** Found while it was surely the process meant. */
  add(owner: Owner, layout: ThreadLayout): void;
  remove(owner: Owner): void;
}

export interface ProcessContextsOptions {
  readonly procRoot: string;
  isAlive(owner: Owner): boolean;
  /** What it publishes, or publishes by now; it was read while it was surely the process meant. */
  found(owner: Owner, context: ProcessContext): void;
  /** Absent: nobody asks where threads publish theirs. */
  readonly threads?: ThreadReader | undefined;
  /** Milliseconds, any steady origin. */
  now(): number;
  /** Milliseconds after which a read holds up no end of the agent, and is counted. */
  readonly patienceMs?: number;
  /** Default: of the memory. */
  readonly read?: typeof readProcessContext;
  readonly readLayout?: typeof readThreadLayout;
  /** Waits so many milliseconds. */
  readonly rest?: (ms: number) => Promise<unknown>;
}

interface Watch {
  readonly owner: Owner;
  readonly wantsNames: boolean;
  /** Looks at its modules that are left, for where its threads publish. */
  layoutLooks: number;
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
/** Modules come late, and the dynamic linker may not be done with them. */
const maxLayoutLooks = 8;

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
    /** Processes whose threads publish in a way that is not known. */
    schemas: 0,
    /** Looks for where threads publish that did not find it. */
    unresolved: 0,
  };
  readonly #options: ProcessContextsOptions;
  readonly #watched = new Map<string, Watch>();
  readonly #waiting = new Set<Watch>();
  #isReading = false;

  constructor(options: ProcessContextsOptions) {
    this.#options = options;
  }

  /** Now, and from then on now and then until it is forgotten. `wantsNames`: what it says of itself is told. */
  watch(owner: Owner, wantsNames = true): void {
    const id = processId(owner);
    if (this.#watched.has(id)) return;
    if (this.#watched.size >= maxWatched) {
      this.counters.unwatched += 1;
      return;
    }
    const watch = { owner, wantsNames, layoutLooks: 0, looks: 0, dueMs: this.#options.now() };
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
    if (look === undefined || !isAlive(owner)) {
      this.forget(owner);
      return;
    }
    this.#note(watch, look);
    await this.#lookForLayout(watch);
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
    if (typeof look === 'string' || !this.#isWatched(watch)) return;
    watch.known = look;
    watch.dueMs = this.#options.now() + knownAgainMs;
    watch.layoutLooks = this.#layoutLooksOf(look);
    if (watch.wantsNames) this.#options.found(watch.owner, look.context);
  }

  #isWatched(watch: Watch): boolean {
    return this.#watched.get(processId(watch.owner)) === watch;
  }

  #layoutLooksOf({ threadSchema }: Publication): number {
    if (threadSchema === undefined || this.#options.threads === undefined) return 0;
    if (modelOf(threadSchema) !== undefined) return maxLayoutLooks;
    this.counters.schemas += 1;
    return 0;
  }

  /** At once, and with each later look until it is found. */
  async #lookForLayout(watch: Watch): Promise<void> {
    const { procRoot, isAlive, readLayout = readThreadLayout } = this.#options;
    const { owner, known } = watch;
    if (watch.layoutLooks === 0 || known?.threadSchema === undefined) return;
    const look = await readLayout(procRoot, owner.pid, known.threadSchema).catch(() => undefined);
    watch.layoutLooks -= 1;
    if (typeof look !== 'object') this.counters.unresolved += 1;
    else if (isAlive(owner) && this.#isWatched(watch)) {
      watch.layoutLooks = 0;
      this.#options.threads?.add(owner, look);
    }
  }
}
