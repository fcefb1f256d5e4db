import type { Owner } from '../model/resource.ts';
import { createCgroupIndex, type CgroupIndex, type CgroupIndexOptions } from '../host/cgroup-index.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import { processId } from '../model/ids.ts';
import { readDeclared, readPublished, withPublished, type Declared } from './declared.ts';
import type { Machine } from '../host/machine.ts';
import type { ProcessContext } from '../host/process-context.ts';
import type { OtelEnvironment } from '../host/otel-environment.ts';
import { createProcessReader, type ProcessFacts, type ProcessReader } from '../host/process-reader.ts';
import { languageOf } from './resource-list.ts';
import type { WorkloadFacts } from './resources.ts';

export interface IdentityOptions {
  /** Default `/proc`. */
  readonly procRoot?: string;
  /** Mount point of cgroup v2 (`findCgroup2Mount`); absent when there is none. */
  readonly cgroupRoot?: string | undefined;
  /** The path that the kernel noted of a cgroup when it met a process in it. */
  readonly cgroupPathOf?: CgroupIndexOptions['pathOf'];
  /** What a program was started with, where the kernel noted it. */
  readonly startedWith?: (owner: Owner) => OtelEnvironment | undefined;
  /** Control groups remembered at once. */
  readonly maxEntries: number;
  /** Who reads processes and cgroups; default: of this machine. */
  readonly readers?: Pick<Machine, 'processes' | 'cgroups'>;
  /** CLOCK_BOOTTIME to Unix nanoseconds. */
  bootToUnixNs(boottimeNs: bigint): bigint;
  /** Milliseconds, any steady origin. */
  readonly now: () => number;
}

export interface Identity {
  /** `executable` is '' when not even a name is known. */
  readonly workload: WorkloadFacts;
  /** It was there when `/proc` was read. */
  readonly isAlive: boolean;
}

/** Processes of which what they publish is kept: 3,000 bytes each at most. */
const maxPublished = 1_000;
const nsPerTick = 10_000_000;
const msPerTick = 10;

/** What the kernel and `/proc` say of processes. */
export class Identities {
  readonly #reader: ProcessReader;
  readonly #cgroups: CgroupIndex;
  /** Unix milliseconds of the boot: taken once, so that a process keeps its creation time. */
  readonly #bootMs: number;
  readonly #published = new BoundedCache<string, Declared['attributes']>(maxPublished);
  readonly #counts = { gone: 0, unknown: 0, environInvalid: 0, attributesCut: 0 };

  constructor(options: IdentityOptions) {
    const { procRoot = '/proc', startedWith = () => undefined, readers } = options;
    this.#reader = readers?.processes(startedWith) ?? createProcessReader(procRoot, startedWith);
    const cgroups: CgroupIndexOptions = {
      root: options.cgroupRoot,
      pathOf: options.cgroupPathOf,
      maxEntries: options.maxEntries,
      now: options.now,
    };
    this.#cgroups = readers?.cgroups(cgroups) ?? createCgroupIndex(cgroups);
    this.#bootMs = Math.round(Number(options.bootToUnixNs(0n)) / nsPerTick) * msPerTick;
  }

  get counters() {
    const { walks, walksTruncated } = this.#cgroups.counters;
    return {
      ...this.#counts,
      ...this.#reader.counters,
      cgroupWalks: walks,
      cgroupWalksTruncated: walksTruncated,
      contextsForgotten: this.#published.evictions,
    };
  }

  /** What the process publishes of itself; from now on it is declared by it. */
  publish(owner: Owner, context: ProcessContext): void {
    const { attributes, isCut } = readPublished(context);
    if (isCut) this.#counts.attributesCut += 1;
    this.#published.set(processId(owner), attributes);
  }

  isAlive({ pid, startNs }: Owner): boolean {
    return this.#reader.isAlive(pid, startNs);
  }

  of(owner: Owner): Identity {
    const facts = this.#reader.read(owner);
    if (facts === undefined) this.#counts.gone += 1;
    else this.#cgroups.learn(owner.cgroupId, facts.container);
    const executable = executableName(owner, facts);
    if (executable === '') this.#counts.unknown += 1;
    const workload = {
      owner,
      executable,
      declared: withPublished(this.#declared(facts, executable), this.#published.get(processId(owner))),
      userId: facts?.userId,
      container: facts?.container ?? this.#cgroups.find(owner.cgroupId) ?? {},
      creationTime: this.#creationTime(owner),
    };
    return { workload, isAlive: facts !== undefined };
  }

  #declared(facts: ProcessFacts | undefined, executable: string): Declared['attributes'] {
    const { attributes, isInvalid, isCut } = readDeclared(facts?.environment ?? {}, languageOf(executable));
    if (isInvalid) this.#counts.environInvalid += 1;
    if (isCut) this.#counts.attributesCut += 1;
    return attributes;
  }

  #creationTime(owner: Owner): string {
    const sinceBootMs = Math.floor(Number(owner.startNs) / nsPerTick) * msPerTick;
    return new Date(this.#bootMs + sinceBootMs).toISOString();
  }
}

function executableName(owner: Owner, facts: ProcessFacts | undefined): string {
  // The kernel cuts a long name, `/proc` does not, and it speaks of the same program or says nothing.
  if (facts?.executable !== undefined) return facts.executable;
  return owner.executable === '' ? owner.command : owner.executable;
}
