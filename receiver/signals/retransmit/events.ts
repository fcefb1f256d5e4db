import {
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_TCP_RETRANSMIT_SEGMENTS,
  ATTR_TCP_RETRANSMIT_TYPE,
  EVENT_TCP_RETRANSMIT,
  SPAN_TCP_EXCHANGE,
  SPAN_TCP_RETRANSMIT,
  TCP_RETRANSMIT_TYPE_VALUE_SYN,
  TCP_RETRANSMIT_TYPE_VALUE_SYN_ACK,
  TCP_RETRANSMIT_TYPE_VALUE_TIMEOUT,
} from '../../../semconv/index.ts';
import type { Episode } from '../../correlate/exchanges.ts';
import { LossEpisodes } from '../loss-episodes.ts';
import type { EventParts, RecordEvents } from '../../correlate/record-events.ts';
import type { TraceContext } from '../../model/event.ts';
import type { RecordHandlers } from '../../model/record-handlers.ts';
import type { RetransmitRecord } from '../../model/record.ts';

const maxEpisodes = 10_000;

const graveTypes: ReadonlySet<string> = new Set([
  TCP_RETRANSMIT_TYPE_VALUE_TIMEOUT,
  TCP_RETRANSMIT_TYPE_VALUE_SYN,
  TCP_RETRANSMIT_TYPE_VALUE_SYN_ACK,
]);

/** An event for each segment sent again, a span for each episode of them. */
export class RetransmitEvents implements RecordEvents {
  readonly handlers: RecordHandlers = {
    retransmit: (record) => this.#retransmit(record),
    close: ({ netns, cookie }) => this.#episodes.endSocket(netns, cookie),
  };
  readonly #parts: EventParts;
  readonly #episodes = new LossEpisodes<RetransmitRecord>(maxEpisodes, (episode) =>
    this.#endEpisode(episode),
  );

  constructor(parts: EventParts) {
    this.#parts = parts;
    parts.exchanges.onRetransmits((episode) => this.#endEpisode(episode));
  }

  get boundsMet(): Readonly<Record<string, number>> {
    return { 'retransmission episodes cut short': this.#episodes.cutShort };
  }

  expire(nowNs: bigint): void {
    this.#episodes.expire(nowNs);
  }

  endAll(): void {
    this.#episodes.endAll();
  }

  #retransmit(record: RetransmitRecord): void {
    const { emitter, sockets, links, decisions, count } = this.#parts;
    const { context, isParent } = count(decisions.decideRetransmit(record));
    emitter.event(EVENT_TCP_RETRANSMIT, {
      record,
      context,
      isGrave: graveTypes.has(record.type),
      attributes: () => ({
        ...sockets.connection(record),
        [ATTR_TCP_RETRANSMIT_TYPE]: record.type,
        [ATTR_TCP_RETRANSMIT_SEGMENTS]: record.segments,
        [ATTR_NETWORK_CONNECTION_STATE]: record.state,
      }),
    });
    if (context === undefined || !isParent) return;
    links.addUse(record.netns, record.cookie, context);
    if (emitter.spanMode(SPAN_TCP_RETRANSMIT) !== 'off') this.#addLoss(record, context);
  }

  /** While its exchange goes on the episode does, and its span waits for that of the exchange. */
  #addLoss(record: RetransmitRecord, context: TraceContext): void {
    const { emitter, exchanges } = this.#parts;
    const hasExchange = record.isInExchange === true && emitter.spanMode(SPAN_TCP_EXCHANGE) !== 'off';
    if (hasExchange && exchanges.addRetransmit(record, context)) return;
    this.#episodes.add(record, exchanges.spanOf(record) ?? context, record.segments);
  }

  #endEpisode({ first, parent, lastNs, count }: Episode<RetransmitRecord>): void {
    const { emitter, sockets } = this.#parts;
    // Jaeger takes a child that lies outside its parent for one of another host, unless it is the longer one and begins
    // within it. The request was written within its span; the last retransmission may be later than the end of that.
    const { requestStartNs = 0n } = first.context ?? {};
    emitter.span(SPAN_TCP_RETRANSMIT, {
      record: first,
      attributes: {
        ...sockets.connection(first),
        [ATTR_TCP_RETRANSMIT_TYPE]: first.type,
        [ATTR_TCP_RETRANSMIT_SEGMENTS]: count,
      },
      startNs: requestStartNs === 0n ? first.timeNs : requestStartNs,
      endNs: lastNs,
      parent,
    });
  }
}
