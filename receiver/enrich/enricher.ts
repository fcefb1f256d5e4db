import { BoundedCache } from '../bounded-cache.ts';
import type { ObservedResource, Owner } from '../model.ts';
import { createCgroupIndex, type CgroupIndex } from './cgroup-index.ts';
import type { HostFacts } from './host-facts.ts';
import { readOtelAttributes } from './otel-environment.ts';
import { createProcessReader, type ProcessFacts, type ProcessReader } from './process-reader.ts';
import { ResourceBuilder, type Granularity } from './resources.ts';
import { ShortLived } from './short-lived.ts';
import { WorkloadRegistry } from './workload-registry.ts';

export interface EnricherOptions {
  /** Default `/proc`. */
  readonly procRoot?: string;
  /** Mount point of cgroup v2 (`findCgroup2Mount`); absent when there is none. */
  readonly cgroupRoot?: string | undefined;
  /** The path that the kernel noted of a cgroup when it met a process in it. */
  cgroupPathOf?(cgroupId: bigint): string | undefined;
  readonly host: HostFacts;
  readonly granularity: Granularity;
  /** Processes remembered at once. */
  readonly maxEntries: number;
  /** Processes that end before a collection meets them are told on their container or the host. Default: no. */
  readonly foldShortLived?: boolean;
  /** Workload resources at once; further processes are folded. Default 2,000. */
  readonly maxResources?: number;
  /** CLOCK_BOOTTIME to Unix nanoseconds. */
  bootToUnixNs(boottimeNs: bigint): bigint;
  /** Milliseconds, any steady origin. */
  now(): number;
}

export interface EnricherCounters {
  /** Processes remembered now. */
  readonly processes: number;
  /** Workload resources now: `wirespan.agent.workload.count`. */
  readonly workloads: number;
  /** Processes forgotten to make room. */
  readonly evictions: number;
  /** Processes whose own resource would have been one too many. */
  readonly folded: number;
  /** Resources of processes that ended before a collection met them, once a collection. */
  readonly shortLived: number;
  /** Processes of which not even a name is known: what they did is on their container or on the host. */
  readonly unknown: number;
  /** Processes that were gone before `/proc` was read. */
  readonly gone: number;
  readonly environUnreadable: number;
  readonly environTruncated: number;
  /** `OTEL_RESOURCE_ATTRIBUTES` that had an error and were discarded. */
  readonly environInvalid: number;
  readonly cgroupWalks: number;
  readonly cgroupWalksTruncated: number;
}

/** Says which OTLP resource a process belongs to. */
export interface Enricher {
  /** The kernel announced an owner: reads `/proc` now, while the process is likely there. */
  observe(owner: Owner): void;
  resolve(owner: Owner): ObservedResource;
  host(): ObservedResource;
  agent(): ObservedResource;
  /** At a collection: where the series of a process go that is gone already; undefined: nowhere else. */
  foldOf(resource: ObservedResource): ObservedResource | undefined;
  /** The process ended. It is kept a while for records that are still under way. */
  forget(owner: Owner): void;
  readonly counters: EnricherCounters;
}

interface Entry {
  readonly owner: Owner;
  readonly resource: ObservedResource;
  /** Milliseconds; when the process was known to be gone. */
  goneMs?: number;
}

const defaultMaxResources = 2_000;
const graceMs = 30_000;
const sweepIntervalMs = 10_000;
const memoSlots = 256;
const memoRefresh = 64;
const nsPerTick = 10_000_000;
const msPerTick = 10;
/** Pids take 22 bits; 2^31 ticks of 10 ms are 248 days, and the product stays below 2^53. */
const tickSpan = 2 ** 31;

export function createEnricher(options: EnricherOptions): Enricher {
  return new ProcessEnricher(options);
}

class ProcessEnricher implements Enricher {
  readonly #options: EnricherOptions;
  readonly #builder: ResourceBuilder;
  readonly #reader: ProcessReader;
  readonly #cgroups: CgroupIndex;
  readonly #workloads: WorkloadRegistry;
  readonly #entries: BoundedCache<number, Entry>;
  readonly #shortLived: ShortLived | undefined;
  /** Unix milliseconds of the boot: taken once, so that a process keeps its creation time. */
  readonly #bootMs: number;
  /** The process last resolved for each slot of pids: saves most look-ups. */
  readonly #memo: (Entry | undefined)[] = Array<Entry | undefined>(memoSlots).fill(undefined);
  #resolved = 0;
  #lastSweepMs = Number.NEGATIVE_INFINITY;
  #gone = 0;
  #unknown = 0;
  #environInvalid = 0;

  constructor(options: EnricherOptions) {
    const { maxEntries } = options;
    this.#options = options;
    this.#builder = new ResourceBuilder(options.host, options.granularity);
    this.#reader = createProcessReader(options.procRoot ?? '/proc');
    this.#cgroups = createCgroupIndex({
      root: options.cgroupRoot,
      pathOf: (cgroupId) => options.cgroupPathOf?.(cgroupId),
      maxEntries,
      now: () => options.now(),
    });
    this.#workloads = new WorkloadRegistry(options.maxResources ?? defaultMaxResources, this.#builder.host);
    if (options.foldShortLived === true)
      this.#shortLived = new ShortLived({
        isAlive: ({ pid, startNs }) => this.#reader.isAlive(pid, startNs),
        folded: (container) => this.#builder.folded(container),
      });
    this.#entries = new BoundedCache(maxEntries, (entry) => this.#release(entry));
    this.#bootMs = Math.round(Number(options.bootToUnixNs(0n)) / nsPerTick) * msPerTick;
  }

  observe(owner: Owner): void {
    if (owner.pid <= 0) return;
    const known = this.#entries.get(processKey(owner));
    // The same process with another executable: it called execve, its environment may be new.
    if (known !== undefined && known.owner.executable === owner.executable) return;
    if (known !== undefined) this.#drop(known);
    this.#learn(owner);
  }

  resolve(owner: Owner): ObservedResource {
    if (owner.pid <= 0) return this.#builder.host;
    const slot = owner.pid % memoSlots;
    const memo = this.#memo[slot];
    this.#resolved += 1;
    // The cache is asked now and then all the same: it must know which entries are in use.
    const mayUseMemo = this.#resolved % memoRefresh !== 0;
    if (mayUseMemo && memo?.owner.pid === owner.pid && memo.owner.startNs === owner.startNs) {
      return memo.resource;
    }
    const entry = this.#entries.get(processKey(owner)) ?? this.#learn(owner);
    this.#memo[slot] = entry;
    return entry.resource;
  }

  host(): ObservedResource {
    return this.#builder.host;
  }

  agent(): ObservedResource {
    return this.#builder.agent;
  }

  foldOf(resource: ObservedResource): ObservedResource | undefined {
    return this.#shortLived?.foldOf(resource);
  }

  forget(owner: Owner): void {
    const entry = this.#entries.get(processKey(owner));
    if (entry !== undefined) entry.goneMs ??= this.#options.now();
  }

  get counters(): EnricherCounters {
    const { walks, walksTruncated } = this.#cgroups.counters;
    return {
      processes: this.#entries.size,
      workloads: this.#workloads.size,
      evictions: this.#entries.evictions,
      folded: this.#workloads.folded,
      shortLived: this.#shortLived?.folded ?? 0,
      unknown: this.#unknown,
      gone: this.#gone,
      ...this.#reader.counters,
      environInvalid: this.#environInvalid,
      cgroupWalks: walks,
      cgroupWalksTruncated: walksTruncated,
    };
  }

  #learn(owner: Owner): Entry {
    const facts = this.#reader.read(owner);
    if (facts === undefined) this.#gone += 1;
    else this.#cgroups.learn(owner.cgroupId, facts.container);
    const container = facts?.container ?? this.#cgroups.find(owner.cgroupId) ?? {};
    const executable = executableName(owner, facts);
    if (executable === '') this.#unknown += 1;
    const own =
      executable === ''
        ? // The kernel had no room for its facts and it is gone: nobody could tell it from others.
          this.#builder.folded(container)
        : this.#builder.workload({
            owner,
            executable,
            declared: this.#declared(facts),
            container,
            creationTime: this.#creationTime(owner),
          });
    if (this.#workloads.isFull && !this.#workloads.has(own)) this.#sweep();
    const resource = this.#workloads.acquire(own, () => this.#builder.folded(container));
    this.#shortLived?.remember(resource, owner, container);
    const entry = { owner, resource };
    this.#entries.set(processKey(owner), entry);
    return entry;
  }

  #declared(facts: ProcessFacts | undefined): ReadonlyMap<string, string> {
    const { attributes, isInvalid } = readOtelAttributes(facts?.environment ?? {});
    if (isInvalid) this.#environInvalid += 1;
    return attributes;
  }

  #creationTime(owner: Owner): string {
    const sinceBootMs = Math.floor(Number(owner.startNs) / nsPerTick) * msPerTick;
    return new Date(this.#bootMs + sinceBootMs).toISOString();
  }

  /** Makes room: lets go of processes that ended a while ago. At most every ten seconds. */
  #sweep(): void {
    const nowMs = this.#options.now();
    if (nowMs - this.#lastSweepMs < sweepIntervalMs) return;
    this.#lastSweepMs = nowMs;
    for (const [, entry] of this.#entries.entries()) {
      if (entry.goneMs === undefined && this.#reader.isAlive(entry.owner.pid, entry.owner.startNs)) continue;
      entry.goneMs ??= nowMs;
      if (nowMs - entry.goneMs >= graceMs) this.#drop(entry);
    }
  }

  #drop(entry: Entry): void {
    this.#entries.delete(processKey(entry.owner));
    this.#release(entry);
  }

  #release(entry: Entry): void {
    const slot = entry.owner.pid % memoSlots;
    if (this.#memo[slot] === entry) this.#memo[slot] = undefined;
    this.#shortLived?.forget(entry.resource);
    this.#workloads.release(entry.resource);
  }
}

/** A number, because building a string costs more than the look-up. */
function processKey({ pid, startNs }: Owner): number {
  return pid * tickSpan + (Math.floor(Number(startNs) / nsPerTick) % tickSpan);
}

function executableName(owner: Owner, facts: ProcessFacts | undefined): string {
  if (owner.executable !== '') return owner.executable;
  return facts?.executable ?? owner.command;
}
