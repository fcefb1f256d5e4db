import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_NETWORK_LOCAL_ADDRESS,
  ATTR_NETWORK_TYPE,
  ATTR_SERVER_PORT,
  ATTR_TCP_SYN_QUEUE_ACTION,
  METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS,
  METRIC_TCP_SYN_QUEUE_OVERFLOWS,
  TCP_SYN_QUEUE_ACTION_VALUE_COOKIE,
  TCP_SYN_QUEUE_ACTION_VALUE_DROP,
} from '../../../semconv/index.ts';
import { BoundedCache } from '../../model/bounded-cache.ts';
import { LISTENER } from '../../decode/generated/layout.ts';
import type { SumsContext } from '../context.ts';
import type { ListenerRow } from './sums.ts';

/** What the kernel counts by network namespace, since the namespace exists. */
export interface NamespaceCounters {
  readonly acceptOverflows: number;
  readonly cookies: number;
  readonly synDrops: number;
}

/** A queue that was full since the last look. */
export interface QueueOverflow {
  readonly row: ListenerRow;
  /** What became of the SYNs of a full SYN queue. Absent: it was the accept queue. */
  readonly action?: typeof TCP_SYN_QUEUE_ACTION_VALUE_COOKIE | typeof TCP_SYN_QUEUE_ACTION_VALUE_DROP;
}

export interface ListenQueueParts {
  readonly context: SumsContext;
  /** Reads the counters through a process of the namespace; undefined when it is not there. */
  read(pid: number, netns: number): NamespaceCounters | undefined;
  onOverflow(overflow: QueueOverflow): void;
}

interface Namespace {
  last: NamespaceCounters;
  /** Read at least once since it was met: the counters then cover all that the rows gained. */
  isSettled: boolean;
  /** Accept-queue overflows that no listener showed yet. */
  credit: number;
}

/** Network namespaces remembered, and read in one collection. */
const MAX_NAMESPACES = 1_024;

/**
 * Overflows of listen queues. A listener counts what it refused, whatever the cause; causes are
 * counted by namespace only. Both together say which listener refused how many for a full accept
 * queue, and whose SYN queue was full.
 */
export class ListenQueues {
  readonly #parts: ListenQueueParts;
  readonly #namespaces = new BoundedCache<number, Namespace>(MAX_NAMESPACES);

  constructor(parts: ListenQueueParts) {
    this.#parts = parts;
  }

  /** A namespace's counters from here on are ours; call as early as it is known. */
  meet(netns: number, pid: number): void {
    if (this.#namespaces.get(netns) !== undefined) return;
    const last = this.#parts.read(pid, netns);
    if (last !== undefined) this.#namespaces.set(netns, { last, isSettled: false, credit: 0 });
  }

  /** Namespaces forgotten because there were too many; their next overflows are partly lost. */
  get forgotten(): number {
    return this.#namespaces.evictions;
  }

  /** After every reading of the rows. */
  settle(rows: Iterable<ListenerRow>, pass: number): void {
    const groups = new Map<number, ListenerRow[]>();
    for (const row of rows) {
      const isRecent = row.memory.seen(LISTENER.pass) >= pass - 1;
      if (!isRecent && row.refused === 0) continue;
      const netns = row.memory.seen(LISTENER.netns);
      const group = groups.get(netns);
      if (group === undefined) groups.set(netns, [row]);
      else group.push(row);
    }
    for (const [netns, group] of groups) this.#settleNamespace(netns, group);
  }

  #settleNamespace(netns: number, group: readonly ListenerRow[]): void {
    const known = this.#namespaces.get(netns);
    const now = this.#readAny(netns, group);
    if (now === undefined || known === undefined) {
      if (now !== undefined) this.#namespaces.set(netns, { last: now, isSettled: false, credit: 0 });
      for (const row of group) this.#addAccept(row, row.refused);
      return;
    }
    const { acceptOverflows: overflows, cookies, synDrops: drops } = gainedBetween(known.last, now);
    const refused = group.reduce((sum, row) => sum + row.refused, 0);
    // What was refused before the first reading has no count to be compared with.
    known.credit += known.isSettled ? overflows : Math.max(overflows, refused - drops);
    for (const row of group) {
      const accepted = Math.min(row.refused, known.credit);
      known.credit -= accepted;
      this.#addAccept(row, accepted);
    }
    // Counted after the rows were read: those of a moment ago show at the next look.
    known.credit = Math.min(known.credit, overflows);
    this.#addSyn(group, TCP_SYN_QUEUE_ACTION_VALUE_COOKIE, cookies);
    this.#addSyn(group, TCP_SYN_QUEUE_ACTION_VALUE_DROP, drops);
    known.last = now;
    known.isSettled = true;
  }

  #readAny(netns: number, group: readonly ListenerRow[]): NamespaceCounters | undefined {
    for (const pid of new Set(group.map(({ owner }) => owner.pid))) {
      const counters = this.#parts.read(pid, netns);
      if (counters !== undefined) return counters;
    }
    return undefined;
  }

  #addAccept(row: ListenerRow, count: number): void {
    row.refused = 0;
    if (count <= 0) return;
    const { context, onOverflow } = this.#parts;
    if (context.isOn(METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS))
      context.sink.add(METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS, context.resolve(row.owner), row.attributes, count);
    if (!row.isOverflow) onOverflow({ row });
  }

  /** On the only listener that it can have been, else on the host, with what they have in common. */
  #addSyn(group: readonly ListenerRow[], action: NonNullable<QueueOverflow['action']>, count: number): void {
    if (count <= 0) return;
    const { context, onOverflow } = this.#parts;
    const flooded = group.filter(({ memory }) => memory.seen(LISTENER.flooded) > 0);
    const candidates = flooded.length > 0 ? flooded : group;
    const [first, ...others] = candidates;
    if (first === undefined) return;
    const isAlone = others.length === 0;
    if (context.isOn(METRIC_TCP_SYN_QUEUE_OVERFLOWS))
      context.sink.add(
        METRIC_TCP_SYN_QUEUE_OVERFLOWS,
        isAlone ? context.resolve(first.owner) : context.host(),
        { ...commonAttributes(candidates), [ATTR_TCP_SYN_QUEUE_ACTION]: action },
        count,
      );
    if (isAlone && !first.isOverflow) onOverflow({ row: first, action });
  }
}

/** A namespace whose counters fell is another one that was given the same number: all of it is new. */
function gainedBetween(last: NamespaceCounters, now: NamespaceCounters): NamespaceCounters {
  const isAnother =
    now.acceptOverflows < last.acceptOverflows || now.cookies < last.cookies || now.synDrops < last.synDrops;
  if (isAnother) return now;
  return {
    acceptOverflows: now.acceptOverflows - last.acceptOverflows,
    cookies: now.cookies - last.cookies,
    synDrops: now.synDrops - last.synDrops,
  };
}

function commonAttributes(rows: readonly ListenerRow[]): Attributes {
  const common: Attributes = {};
  for (const name of [ATTR_SERVER_PORT, ATTR_NETWORK_TYPE, ATTR_NETWORK_LOCAL_ADDRESS]) {
    const values = new Set(rows.map(({ attributes }) => attributes[name]));
    const [value] = values;
    if (values.size === 1 && value !== undefined) common[name] = value;
  }
  return common;
}
