import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_TCP_RETRANSMIT_SEGMENTS,
  EVENT_PACKET_DROP,
  EVENT_TCP_CONNECTION_FAIL,
  EVENT_TCP_RESET,
  EVENT_TCP_RETRANSMIT,
} from '../../semconv/index.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import type { NetworkEvent, NetworkSpan } from '../model/event.ts';
import type { ObservedResource } from '../model/resource.ts';
import { dropPeerOf, numberOf, peerOf, serviceOf } from './read.ts';
import type { Ranking, RequestRow } from './report.ts';
import { TopList } from './top-list.ts';

const MAX_REQUESTS = 10_000;

/** What an event adds to its request. */
const COUNTS: Readonly<Record<string, (attributes: Attributes) => Partial<RequestRow>>> = {
  [EVENT_TCP_RETRANSMIT.name]: (attributes) => ({
    retransmitted: numberOf(attributes, ATTR_TCP_RETRANSMIT_SEGMENTS) ?? 0,
  }),
  [EVENT_PACKET_DROP.name]: () => ({ drops: 1 }),
  [EVENT_TCP_RESET.name]: () => ({ resets: 1 }),
  [EVENT_TCP_CONNECTION_FAIL.name]: () => ({ failures: 1 }),
};

/** Requests of applications that the network hurt, by their trace. */
export class HurtRequests {
  readonly #requests: BoundedCache<string, RequestRow>;
  readonly #worst = new TopList<RequestRow>();

  constructor(maxRequests = MAX_REQUESTS) {
    this.#requests = new BoundedCache(maxRequests, (row) => this.#rank(row));
  }

  /** Ranked before the end, for there were too many at once: what happened to them later counts as another's. */
  get rankedEarly(): number {
    return this.#requests.evictions;
  }

  event({ name, attributes, resource, context, timeUnixNs }: NetworkEvent): void {
    const counts = COUNTS[name]?.(attributes);
    // The trace of our own span of a connection is no application's.
    if (counts === undefined || context === undefined || context.method === 'own_span') return;
    const isDrop = name === EVENT_PACKET_DROP.name;
    const peer = isDrop ? dropPeerOf(attributes).endpoint : peerOf(attributes);
    const request = { traceId: context.traceId, resource, peer, firstMs: Number(timeUnixNs / 1_000_000n) };
    this.#add(request, counts);
  }

  /** Spans below one of an application: a loss episode, an exchange, or a handshake that failed. */
  span(span: NetworkSpan): void {
    if (span.parentSpanId === undefined) return;
    const known = this.#requests.get(span.traceId);
    // An exchange that was slow without a loss is not what the network did.
    if (known === undefined) return;
    const longest = Number(span.endUnixNs - span.startUnixNs) / 1e9;
    this.#requests.set(span.traceId, { ...known, longest: Math.max(known.longest, longest) });
  }

  ranking(): Ranking<RequestRow> {
    for (const [traceId, row] of this.#requests.entries()) {
      this.#requests.delete(traceId);
      this.#rank(row);
    }
    return this.#worst.ranking();
  }

  #add({ traceId, resource, peer, firstMs }: Found, counts: Partial<RequestRow>): void {
    const known = this.#requests.get(traceId) ?? {
      ...{ traceId, service: serviceOf(resource), peer, firstMs },
      ...{ longest: 0, retransmitted: 0, drops: 0, resets: 0, failures: 0 },
    };
    this.#requests.set(traceId, {
      ...known,
      retransmitted: known.retransmitted + (counts.retransmitted ?? 0),
      drops: known.drops + (counts.drops ?? 0),
      resets: known.resets + (counts.resets ?? 0),
      failures: known.failures + (counts.failures ?? 0),
    });
  }

  #rank(row: RequestRow): void {
    this.#worst.offer(row, row.longest, row.retransmitted + row.drops + row.resets + row.failures);
  }
}

interface Found extends Pick<RequestRow, 'traceId' | 'peer' | 'firstMs'> {
  readonly resource: ObservedResource;
}
