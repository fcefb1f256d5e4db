import { BoundedCache } from '../../model/bounded-cache.ts';
import { processId } from '../../model/ids.ts';
import type { Owner } from '../../model/resource.ts';
import type { TopConnection } from './connection.ts';
import { Traffic } from './traffic.ts';

/** Connections of one process, or of one container, together. */
export class TopGroup {
  readonly id: string;
  /** The process; of a container one of them. */
  owner: Owner;
  readonly traffic = new Traffic();
  /** Since the view began. */
  opened = 0;
  closed = 0;
  failed = 0;
  /** Now. */
  open = 0;
  processes = 0;
  /** The last interval in which something of it was counted, or open. */
  lastInterval = 0;

  constructor(id: string, owner: Owner) {
    this.id = id;
    this.owner = owner;
  }
}

/** Intervals that a group without a connection is kept for. */
const KEPT = 60;

/** Groups of connections by what their owners have in common, the quiet ones make room. */
export class Groups {
  readonly #idOf: (owner: Owner) => string;
  readonly #groups: BoundedCache<string, TopGroup>;
  #active = new Set<TopGroup>();

  constructor(maxRemembered: number, idOf: (owner: Owner) => string = processId) {
    this.#idOf = idOf;
    this.#groups = new BoundedCache(maxRemembered);
  }

  /** Groups that made room, with what they had moved. */
  get forgotten(): number {
    return this.#groups.evictions;
  }

  /** The group of this owner, which has something to count. */
  of(owner: Owner): TopGroup {
    const group = this.#find(owner);
    this.#active.add(group);
    return group;
  }

  #find(owner: Owner): TopGroup {
    const id = this.#idOf(owner);
    const known = this.#groups.get(id);
    if (known !== undefined) return known;
    const group = new TopGroup(id, owner);
    this.#groups.set(id, group);
    return group;
  }

  /** Ends an interval: `connections` are those that are open. */
  end(interval: number, seconds: number, connections: Iterable<TopConnection>): void {
    const active = this.#active;
    this.#active = new Set();
    for (const group of active) {
      group.traffic.end(interval, seconds);
      group.lastInterval = interval;
      // It is looked at once more, to have nothing then.
      if (group.traffic.sentRate + group.traffic.receivedRate + group.traffic.lastRetransmits > 0)
        this.#active.add(group);
    }
    this.#count(interval, connections);
  }

  #count(interval: number, connections: Iterable<TopConnection>): void {
    for (const group of this.rows()) {
      group.open = 0;
      group.processes = 0;
    }
    for (const [owner, open] of ownersOf(connections)) {
      const group = this.#find(owner);
      group.open += open;
      group.processes += 1;
      group.lastInterval = interval;
    }
    for (const [id, { lastInterval }] of this.#groups.entries())
      if (interval - lastInterval > KEPT) this.#groups.delete(id);
  }

  rows(): TopGroup[] {
    return this.#groups.entries().map(([, group]) => group);
  }
}

/** How many connections each process has. Most of one have the same object: names are made of few. */
function ownersOf(connections: Iterable<TopConnection>): Iterable<readonly [Owner, number]> {
  const counts = new Map<Owner, number>();
  for (const { owner } of connections) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  const processes = new Map<string, readonly [Owner, number]>();
  for (const [owner, count] of counts) {
    const id = processId(owner);
    processes.set(id, [owner, count + (processes.get(id)?.[1] ?? 0)]);
  }
  return processes.values();
}
