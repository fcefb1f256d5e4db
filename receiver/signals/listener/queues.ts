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
import { LISTENER } from '../../decode/generated/layout.ts';
import type { SumsContext } from '../context.ts';
import { NOTHING, type NamespaceRef, type Namespaces } from './namespaces.ts';
import type { ListenerRow } from './sums.ts';

/** A queue that was full since the last look. */
export interface QueueOverflow {
  readonly row: ListenerRow;
  /** What became of the SYNs of a full SYN queue. Absent: it was the accept queue. */
  readonly action?: typeof TCP_SYN_QUEUE_ACTION_VALUE_COOKIE | typeof TCP_SYN_QUEUE_ACTION_VALUE_DROP;
}

export interface ListenQueueParts {
  readonly context: SumsContext;
  readonly namespaces: Namespaces;
  onOverflow(overflow: QueueOverflow): void;
}

/**
 * Overflows of listen queues. A listener counts what it refused, whatever the cause, and some of it twice; causes are
 * counted by namespace only. Both together say which listener refused how many for a full accept queue, and whose
 * SYN queue was full; never more than the namespace counted.
 */
export class ListenQueues {
  readonly #parts: ListenQueueParts;
  /** Overflows of namespaces that no listener has shown yet, by their id. */
  #credits = new Map<number, number>();
  #lastPass = -1;

  constructor(parts: ListenQueueParts) {
    this.#parts = parts;
  }

  /** After every reading of the rows. */
  settle(rows: Iterable<ListenerRow>, pass: number): void {
    const namespaces = groupRows(rows, pass);
    const isPass = pass !== this.#lastPass;
    this.#lastPass = pass;
    this.#parts.namespaces.look(pass);
    const credits = new Map<number, number>();
    for (const namespace of namespaces) {
      const credit = this.#credits.get(namespace.id) ?? 0;
      // Between passes the kernel tells of those alone that end.
      const isAsked = isPass || namespace.rows.some(({ refused }) => refused > 0);
      const left = isAsked ? this.#settleNamespace(namespace, credit) : credit;
      if (left > 0) credits.set(namespace.id, left);
    }
    this.#credits = credits;
  }

  /** How many overflows of it are no listener's yet: counted after the rows were read, they show at the next look. */
  #settleNamespace(namespace: Group, credit: number): number {
    const { rows } = namespace;
    const gained = this.#parts.namespaces.gained(namespace);
    const { acceptOverflows, cookies, synDrops } = gained ?? NOTHING;
    let left = credit + acceptOverflows;
    for (const [row, count] of shares(left, candidatesOf(rows))) {
      left -= count;
      this.#addAccept(row, count);
    }
    for (const row of rows) {
      row.refused = 0;
      row.wasFilled = row.filled > 0;
      row.filled = 0;
    }
    this.#addSyn(rows, TCP_SYN_QUEUE_ACTION_VALUE_COOKIE, cookies);
    this.#addSyn(rows, TCP_SYN_QUEUE_ACTION_VALUE_DROP, synDrops);
    return Math.min(left, acceptOverflows);
  }

  #addAccept(row: ListenerRow, count: number): void {
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

/** A namespace and its listeners. */
interface Group extends NamespaceRef {
  readonly pids: Set<number>;
  readonly rows: ListenerRow[];
  /** That met one of them last. */
  pass: number;
}

/** Listeners that are there, or refused somebody; the namespace that was met last comes first. */
function groupRows(rows: Iterable<ListenerRow>, pass: number): readonly Group[] {
  const groups = new Map<number, Group>();
  for (const row of rows) {
    const isRecent = row.memory.seen(LISTENER.pass) >= pass - 1;
    if (!isRecent && row.refused === 0) continue;
    const id = row.memory.seen(LISTENER.namespace_id);
    let group = groups.get(id);
    if (group === undefined) {
      group = { id, netns: row.memory.seen(LISTENER.netns), pids: new Set(), rows: [], pass: 0 };
      groups.set(id, group);
    }
    group.pass = Math.max(group.pass, row.memory.seen(LISTENER.pass));
    group.pids.add(row.owner.pid);
    group.rows.push(row);
  }
  return [...groups.values()].sort((a, b) => b.pass - a.pass);
}

/** Those that refused somebody with a full queue; where none was seen full, those that refused somebody at all. */
function candidatesOf(rows: readonly ListenerRow[]): readonly ListenerRow[] {
  const refusing = rows.filter(({ refused }) => refused > 0);
  const full = refusing.filter(({ filled, wasFilled }) => filled > 0 || wasFilled);
  return full.length > 0 ? full : refusing;
}

/** Shares `total` out by what each refused, and no more than that: whole numbers with exactly that sum. */
function shares(total: number, rows: readonly ListenerRow[]): [ListenerRow, number][] {
  let weight = rows.reduce((sum, { refused }) => sum + refused, 0);
  let left = Math.min(total, weight);
  return rows.map((row) => {
    const share = Math.round((left * row.refused) / weight);
    weight -= row.refused;
    left -= share;
    return [row, share];
  });
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
