import { BoundedCache } from '../model/bounded-cache.ts';
import { isSameProcess } from '../model/ids.ts';
import type { ObservedResource, Owner } from '../model/resource.ts';
import type { ContainerIdentity } from '../host/cgroup-path.ts';
import type { Standing } from './workload-registry.ts';

/** A process and where its telemetry goes. */
export interface Entry {
  readonly owner: Owner;
  readonly container: ContainerIdentity;
  readonly resource: ObservedResource;
  readonly standing: Standing;
  /** Milliseconds; when the process was known to be gone. */
  goneMs?: number;
}

const memoSlots = 256;
const memoRefresh = 64;
const nsPerTick = 10_000_000;
/** Pids take 22 bits; 2^31 ticks of 10 ms are 248 days, and the product stays below 2^53. */
const tickSpan = 2 ** 31;
/** Prime, so that programs of one process lie apart; 32 bits times this stay below 2^53. */
const execSpan = 1_048_573;

/** Processes remembered, a bounded number of them. */
export class ProcessTable {
  readonly #entries: BoundedCache<number, Entry>;
  /** Ended, and nothing of them is in the kernel any more; the first that ended first. */
  readonly #leaving = new Set<Entry>();
  /** The process last resolved for each slot of pids: saves most look-ups. */
  readonly #memo: (Entry | undefined)[] = Array<Entry | undefined>(memoSlots).fill(undefined);
  readonly #onGone: (entry: Entry) => void;
  #asked = 0;

  /** `onGone`: the entry is no more. */
  constructor(maxEntries: number, onGone: (entry: Entry) => void) {
    this.#onGone = onGone;
    this.#entries = new BoundedCache(maxEntries, (entry) => this.#release(entry));
  }

  get size(): number {
    return this.#entries.size;
  }

  get evictions(): number {
    return this.#entries.evictions;
  }

  get leaving(): Iterable<Entry> {
    return this.#leaving;
  }

  /** Oldest first. */
  *[Symbol.iterator](): IterableIterator<Entry> {
    for (const [, entry] of this.#entries.entries()) yield entry;
  }

  /** Two may have one key: the very start time and the program decide. */
  find(owner: Owner): Entry | undefined {
    const slot = owner.pid % memoSlots;
    const memo = this.#memo[slot];
    this.#asked += 1;
    // The cache is asked now and then all the same: it must know which entries are in use.
    const mayUseMemo = this.#asked % memoRefresh !== 0;
    if (mayUseMemo && memo !== undefined && isSameProcess(memo.owner, owner)) return memo;
    const entry = this.#entries.get(processKey(owner));
    if (entry === undefined || !isSameProcess(entry.owner, owner)) return undefined;
    this.#memo[slot] = entry;
    return entry;
  }

  put(entry: Entry): void {
    const key = processKey(entry.owner);
    const before = this.#entries.get(key);
    if (before !== undefined) this.drop(before);
    this.#entries.set(key, entry);
  }

  drop(entry: Entry): void {
    this.#entries.delete(processKey(entry.owner));
    this.#release(entry);
  }

  /** It ended, and its last stats were read. */
  leave(entry: Entry, nowMs: number): void {
    entry.goneMs ??= nowMs;
    this.#leaving.add(entry);
  }

  #release(entry: Entry): void {
    const slot = entry.owner.pid % memoSlots;
    if (this.#memo[slot] === entry) this.#memo[slot] = undefined;
    this.#leaving.delete(entry);
    this.#onGone(entry);
  }
}

/** A number, because building a string costs more than the look-up. */
function processKey({ pid, startNs, execs }: Owner): number {
  return pid * tickSpan + ((Math.floor(Number(startNs) / nsPerTick) + execs * execSpan) % tickSpan);
}
