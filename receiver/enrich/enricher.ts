import { ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME } from '../../semconv/index.ts';
import type { ObservedResource, Owner } from '../model/resource.ts';
import { nameOnly } from './declared.ts';
import type { HostFacts } from '../host/host-facts.ts';
import type { ProcessContext } from '../host/process-context.ts';
import { ProcessContexts, type ThreadReader } from '../host/process-contexts.ts';
import { Identities, type IdentityOptions } from './identities.ts';
import { ProcessTable, type Entry } from './process-table.ts';
import { ResourceBuilder, type Granularity, type WorkloadFacts } from './resources.ts';
import { ShortLived } from './short-lived.ts';
import { WorkloadRegistry } from './workload-registry.ts';

export interface EnricherOptions extends IdentityOptions {
  readonly host: HostFacts;
  readonly granularity: Granularity;
  /** Processes remembered at once. */
  readonly maxEntries: number;
  /** Processes that end before a collection meets them are told on their container or the host. Default: no. */
  readonly foldShortLived?: boolean;
  /** What processes publish of themselves in their memory names those whose environment does not. Default: no. */
  readonly readsContexts?: boolean;
  /** Told where the threads of a process publish their context, and when it ended. Absent: nobody asks. */
  readonly threads?: ThreadReader | undefined;
  /** Workload resources at once; further processes are folded. 2 KiB of attributes are allowed for each, in all. */
  readonly maxResources: number;
  /** Attributes of the resources that wait for an export, bytes; they get as much room again. Default: none. */
  exportedBytes?(): number;
  /** A process moved on, and no other has this resource: it is exported once more. */
  retire?(resourceId: string): void;
}

export interface EnricherCounters {
  /** Processes remembered now. */
  readonly processes: number;
  /** Workload resources now: `wirespan.agent.workload.count`. */
  readonly workloads: number;
  /** Processes forgotten to make room. */
  readonly evictions: number;
  /** Processes whose own resource would have been one too many, and ended ones that made room. */
  readonly folded: number;
  /** Processes that kept their service's name alone: attributes of all resources took all their room. */
  readonly reduced: number;
  /** Processes whose declared attributes were too long for a resource. */
  readonly attributesCut: number;
  /** Resources of processes that ended before a collection met them, once a collection. */
  readonly shortLived: number;
  /** Processes of which not even a name is known: what they did is on their container or on the host. */
  readonly unknown: number;
  /** Processes that were gone before `/proc` was read. */
  readonly gone: number;
  readonly environUnreadable: number;
  readonly environTruncated: number;
  /** `OTEL_RESOURCE_ATTRIBUTES` that had an error: a member, or all of it, was left out. */
  readonly environInvalid: number;
  readonly cgroupWalks: number;
  readonly cgroupWalksTruncated: number;
  /** Looks at published contexts that came to nothing: see there. */
  readonly contexts: ProcessContexts['counters'] | undefined;
  /** Processes whose threads publish, for which the kernel side has no room. */
  readonly threadsUnheld: number;
  /** Contexts forgotten to make room. */
  readonly contextsForgotten: number;
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
  /** Once every few seconds: lets go of who ended, and gives a resource to those that live without one of their own. */
  sweep(): void;
  readonly counters: EnricherCounters;
}

const graceMs = 10_000;
const askIntervalMs = 10_000;
const bytesPerResource = 2_048;
/** Processes that one sweep gives a resource of their own, and those that it looks at for that. */
const maxHealed = 500;
const maxAsked = 4_000;

export function createEnricher(options: EnricherOptions): Enricher {
  return new ProcessEnricher(options);
}

class ProcessEnricher implements Enricher {
  readonly #options: EnricherOptions;
  readonly #builder: ResourceBuilder;
  readonly #identities: Identities;
  readonly #workloads: WorkloadRegistry;
  readonly #table: ProcessTable;
  readonly #shortLived: ShortLived | undefined;
  readonly #contexts: ProcessContexts | undefined;
  /** They lived when they did not get what is theirs; the first waits longest. */
  readonly #waiting = new Set<Entry>();
  #lastAskMs = Number.NEGATIVE_INFINITY;

  constructor(options: EnricherOptions) {
    const { maxResources, exportedBytes = () => 0 } = options;
    this.#options = options;
    this.#builder = new ResourceBuilder(options.host, options.granularity);
    this.#identities = new Identities(options);
    const bounds = { maxResources, maxBytes: maxResources * bytesPerResource, exportedBytes };
    this.#workloads = new WorkloadRegistry(bounds, this.#builder.host);
    if (options.foldShortLived === true)
      this.#shortLived = new ShortLived({
        isAlive: (owner) => this.#identities.isAlive(owner),
        folded: (container) => this.#builder.folded(container),
      });
    const { readsContexts, threads, now, procRoot = '/proc' } = options;
    if (readsContexts === true || threads !== undefined)
      this.#contexts = new ProcessContexts({
        procRoot,
        isAlive: (owner) => this.#identities.isAlive(owner),
        found: (owner, context) => this.#takeContext(owner, context),
        threads,
        now,
      });
    this.#table = new ProcessTable(options.maxEntries, (entry) => this.#release(entry));
  }

  observe(owner: Owner): void {
    if (owner.pid <= 0) return;
    const known = this.#table.find(owner);
    if (known !== undefined && known.owner.executable === owner.executable) return;
    // Its figures came before its facts.
    if (known !== undefined) this.#table.drop(known);
    this.#learn(owner);
  }

  resolve(owner: Owner): ObservedResource {
    if (owner.pid <= 0) return this.#builder.host;
    return (this.#table.find(owner) ?? this.#learn(owner)).resource;
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
    this.#contexts?.forget(owner);
    this.#options.threads?.remove(owner);
    const entry = this.#table.find(owner);
    if (entry === undefined) return;
    this.#table.leave(entry, this.#options.now());
    this.#waiting.delete(entry);
  }

  sweep(): void {
    const nowMs = this.#options.now();
    for (const entry of this.#table.leaving) {
      if (nowMs - (entry.goneMs ?? nowMs) < graceMs) break;
      this.#table.drop(entry);
    }
    this.#contexts?.sweep();
    const living = this.#livingInWait();
    if (living.length === 0) return;
    this.#makeRoom(living.length);
    for (const entry of living) {
      if (entry.standing === 'folded' ? !this.#workloads.isFull : this.#workloads.hasBytes) this.#move(entry);
    }
  }

  get counters(): EnricherCounters {
    return {
      processes: this.#table.size,
      workloads: this.#workloads.size,
      evictions: this.#table.evictions,
      folded: this.#workloads.folded,
      reduced: this.#workloads.reduced,
      shortLived: this.#shortLived?.folded ?? 0,
      contexts: this.#contexts?.counters,
      threadsUnheld: this.#options.threads?.unheld ?? 0,
      ...this.#identities.counters,
    };
  }

  #learn(owner: Owner): Entry {
    const { workload, isAlive } = this.#identities.of(owner);
    const { container, declared } = workload;
    const folded = (): ObservedResource => this.#builder.folded(container);
    // The kernel had no room for its facts and it is gone: nobody could tell it from others.
    const own = workload.executable === '' ? folded() : this.#ownResource(workload);
    if (this.#workloads.isFull && !this.#workloads.has(own)) this.#makeRoomNow(isAlive);
    const reduced = (): ObservedResource =>
      this.#builder.workload({ ...workload, declared: nameOnly(declared) });
    const entry = { owner, container, ...this.#workloads.acquire(own, { reduced, folded }) };
    this.#shortLived?.remember(entry.resource, owner, container);
    this.#table.put(entry);
    if (isAlive && entry.standing !== 'own') this.#waiting.add(entry);
    const wantsNames = this.#options.readsContexts === true && !declared.has(ATTR_SERVICE_NAME);
    if (isAlive && (wantsNames || this.#options.threads !== undefined))
      this.#contexts?.watch(owner, wantsNames);
    return entry;
  }

  /** What it did until now stays where it is, as when it moves. */
  #takeContext(owner: Owner, context: ProcessContext): void {
    if (context.size === 0) return;
    this.#identities.publish(owner, context);
    const entry = this.#table.find(owner);
    if (entry !== undefined && entry.goneMs === undefined) this.#move(entry);
  }

  /** An instance that is another's already, is declared by a process that is told from it: then it is not its own. */
  #ownResource(workload: WorkloadFacts): ObservedResource {
    const own = this.#builder.workload(workload);
    if (!this.#workloads.isInstanceTaken(own)) return own;
    const declared = new Map(workload.declared);
    declared.delete(ATTR_SERVICE_INSTANCE_ID);
    return this.#builder.workload({ ...workload, declared });
  }

  /** Those that still live, first those that wait longest. */
  #livingInWait(): Entry[] {
    const living: Entry[] = [];
    let asked = 0;
    for (const entry of this.#waiting) {
      if (living.length === maxHealed || asked === maxAsked) break;
      asked += 1;
      if (this.#isAlive(entry)) living.push(entry);
      else this.#waiting.delete(entry);
    }
    return living;
  }

  /** What it did until now stays where it is; from now on it is told on its own. */
  #move(entry: Entry): void {
    this.#table.drop(entry);
    this.#learn(entry.owner);
    this.#retireUnused(entry.resource);
  }

  /** For a process that has just come: for one that lives asks who else does, at most every ten seconds. */
  #makeRoomNow(isAlive: boolean): void {
    const nowMs = this.#options.now();
    const mayAsk = isAlive && nowMs - this.#lastAskMs >= askIntervalMs;
    if (mayAsk) this.#lastAskMs = nowMs;
    this.#makeRoom(1, mayAsk ? maxAsked : 0);
  }

  /** Ended processes go first: those that are done with, then those whose last stats are still awaited. */
  #makeRoom(places: number, mostAsked = maxAsked): void {
    const hasRoom = (): boolean => this.#workloads.size + places <= this.#options.maxResources;
    for (const entry of this.#table.leaving) {
      if (hasRoom()) return;
      this.#table.drop(entry);
    }
    if (mostAsked === 0 || hasRoom()) return;
    let asked = 0;
    for (const entry of this.#table) {
      if (hasRoom() || asked === mostAsked) return;
      if (entry.standing === 'folded') continue;
      asked += 1;
      if (!this.#isAlive(entry)) this.#foldEnded(entry);
    }
  }

  #isAlive({ owner, goneMs }: Entry): boolean {
    return goneMs === undefined && this.#identities.isAlive(owner);
  }

  /** What is still to come of it goes to its container, else the host. */
  #foldEnded(entry: Entry): void {
    const { owner, container } = entry;
    this.#table.drop(entry);
    this.#table.put({ owner, container, ...this.#workloads.fold(this.#builder.folded(container)) });
    this.#retireUnused(entry.resource);
  }

  #retireUnused(resource: ObservedResource): void {
    if (resource.kind === 'workload' && !this.#workloads.has(resource)) this.#options.retire?.(resource.id);
  }

  #release(entry: Entry): void {
    this.#waiting.delete(entry);
    this.#shortLived?.forget(entry.resource);
    this.#workloads.release(entry.resource);
  }
}
