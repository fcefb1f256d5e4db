import { BoundedCache } from '../../model/bounded-cache.ts';
import {
  gainedSince,
  NOTHING,
  type NamespaceCounters,
  type NamespaceRef,
  type Namespaces,
} from './namespaces.ts';

interface Namespace {
  /** Undefined: no listener of it was met yet. */
  id: number | undefined;
  last: NamespaceCounters;
}

/** Network namespaces remembered, and read in one collection. */
const MAX_NAMESPACES = 1_024;

/** Namespaces as the host tells them through a process that is in them, where the programs cannot count them. */
export class HostNamespaces implements Namespaces {
  readonly #read: (pid: number, netns: number) => NamespaceCounters | undefined;
  readonly #known = new BoundedCache<number, Namespace>(MAX_NAMESPACES);

  readonly #asked = new Set<number>();

  /** `read`: undefined when the process is not (or no more) there, or may not be looked at. */
  constructor(read: (pid: number, netns: number) => NamespaceCounters | undefined) {
    this.#read = read;
  }

  /** Namespaces forgotten because there were too many; their next overflows are partly lost. */
  get forgotten(): number {
    return this.#known.evictions;
  }

  /** A namespace's counters from here on are ours; call as early as it is known. */
  meet(netns: number, pid: number): void {
    if (this.#known.get(netns) !== undefined) return;
    const last = this.#read(pid, netns);
    if (last !== undefined) this.#known.set(netns, { id: undefined, last });
  }

  /** Each is read when it is asked for. */
  look(): void {
    this.#asked.clear();
  }

  gained({ id, netns, pids }: NamespaceRef): NamespaceCounters | undefined {
    // Two that have the same number: the older one is gone, and what it counted with it.
    if (this.#asked.has(netns)) return undefined;
    const now = this.#readAny(pids, netns);
    if (now === undefined) return undefined;
    this.#asked.add(netns);
    const known = this.#known.get(netns);
    this.#known.set(netns, { id, last: now });
    if (known === undefined) return NOTHING;
    // One that was given the number of another that is gone is younger than the agent: all of it is new.
    return gainedSince(isAnother(known, id, now) ? NOTHING : known.last, now);
  }

  #readAny(pids: ReadonlySet<number>, netns: number): NamespaceCounters | undefined {
    for (const pid of pids) {
      const counters = this.#read(pid, netns);
      if (counters !== undefined) return counters;
    }
    return undefined;
  }
}

function isAnother(known: Namespace, id: number, now: NamespaceCounters): boolean {
  if (known.id !== undefined) return known.id !== id;
  const { last } = known;
  return (
    now.acceptOverflows < last.acceptOverflows || now.cookies < last.cookies || now.synDrops < last.synDrops
  );
}
