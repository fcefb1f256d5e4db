import type { Attributes } from '@opentelemetry/api';
import type { Histogram } from '@opentelemetry/sdk-metrics';
import {
  ATTR_NETWORK_LOCAL_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_SERVICE_INSTANCE_ID,
  METRIC_TCP_ACCEPT_QUEUE_DURATION,
  METRIC_TCP_ACCEPT_QUEUE_LIMIT,
  METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS,
  METRIC_TCP_ACCEPT_QUEUE_USAGE,
  METRIC_TCP_SYN_QUEUE_OVERFLOWS,
} from '../../semconv/index.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import { endpointOf, serviceOf, textOf } from './read.ts';
import type { ListenerRow, Ranking } from './report.ts';
import { TopList } from './top-list.ts';

const MAX_LISTENERS = 10_000;

/** A measurement of a listener. */
interface Point {
  /** The metric's. */
  readonly name: string;
  readonly resource: { readonly attributes: Attributes };
  readonly attributes: Attributes;
  readonly value: number | Histogram;
}

/** Queues of listeners, by what their metrics say. */
export class Listeners {
  readonly #rows = new BoundedCache<string, ListenerRow>(MAX_LISTENERS, (row) => this.#rank(row));
  readonly #worst = new TopList<ListenerRow>();

  /** Ranked before the end, for there were too many. */
  get rankedEarly(): number {
    return this.#rows.evictions;
  }

  /** Takes nothing of other metrics than those of queues. */
  add({ name, resource, attributes, value }: Point): void {
    const service = serviceOf(resource);
    const address = endpointOf(attributes, ATTR_NETWORK_LOCAL_ADDRESS, ATTR_SERVER_PORT);
    const key = [service, textOf(resource.attributes, ATTR_SERVICE_INSTANCE_ID), address].join('\n');
    const known = this.#rows.get(key) ?? { service, address, ...NOTHING };
    const gained = gainOf(name, known, value);
    if (gained !== undefined) this.#rows.set(key, { ...known, ...gained });
  }

  ranking(): Ranking<ListenerRow> {
    for (const [key, row] of this.#rows.entries()) {
      this.#rows.delete(key);
      this.#rank(row);
    }
    return this.#worst.ranking();
  }

  #rank(row: ListenerRow): void {
    const { overflows, synOverflows, mostWaiting, limit, waited, accepts } = row;
    this.#worst.offer(row, overflows + synOverflows, mostWaiting / Math.max(1, limit), waited, accepts);
  }
}

const NOTHING = { limit: 0, mostWaiting: 0, accepts: 0, waited: 0, overflows: 0, synOverflows: 0 };

function gainOf(
  name: string,
  known: ListenerRow,
  value: number | Histogram,
): Partial<ListenerRow> | undefined {
  if (typeof value !== 'number')
    return name === METRIC_TCP_ACCEPT_QUEUE_DURATION.name
      ? { accepts: known.accepts + value.count, waited: known.waited + (value.sum ?? 0) }
      : undefined;
  switch (name) {
    case METRIC_TCP_ACCEPT_QUEUE_LIMIT.name:
      return { limit: value };
    case METRIC_TCP_ACCEPT_QUEUE_USAGE.name:
      return { mostWaiting: Math.max(known.mostWaiting, value) };
    case METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS.name:
      return { overflows: known.overflows + value };
    case METRIC_TCP_SYN_QUEUE_OVERFLOWS.name:
      return { synOverflows: known.synOverflows + value };
    default:
      return undefined;
  }
}
