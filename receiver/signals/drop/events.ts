import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_CODE_STACKTRACE,
  ATTR_DESTINATION_ADDRESS,
  ATTR_DESTINATION_PORT,
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_INTERFACE_NAME,
  ATTR_NETWORK_LOCAL_PORT,
  ATTR_NETWORK_PEER_PORT,
  ATTR_NETWORK_TRANSPORT,
  ATTR_NETWORK_TYPE,
  ATTR_PACKET_DROP_REASON,
  ATTR_SOURCE_ADDRESS,
  ATTR_SOURCE_PORT,
  ATTR_TCP_CONNECTION_ID,
  ATTR_PACKET_DROP_PACKETS,
  EVENT_PACKET_DROP,
  SPAN_PACKET_DROP,
} from '../../../semconv/index.ts';
import type { Episode } from '../../correlate/exchanges.ts';
import { LossEpisodes } from '../loss-episodes.ts';
import type { EventParts, RecordEvents } from '../../correlate/record-events.ts';
import type { TraceContext } from '../../model/event.ts';
import type { RecordHandlers } from '../../model/record-handlers.ts';
import type { DropRecord } from '../../model/record.ts';

const maxEpisodes = 10_000;

/** An event for each dropped packet, a span for each episode of those that a traced request lost. */
export class DropEvents implements RecordEvents {
  readonly handlers: RecordHandlers = {
    drop: (record) => this.#drop(record),
    close: ({ netns, cookie }) => this.#episodes.endSocket(netns, cookie),
  };
  readonly #parts: EventParts;
  readonly #episodes = new LossEpisodes<DropRecord>(maxEpisodes, (episode) => this.#endEpisode(episode));

  constructor(parts: EventParts) {
    this.#parts = parts;
    parts.exchanges.onDrops((episode) => this.#span(episode));
  }

  get boundsMet(): Readonly<Record<string, number>> {
    return { 'drop episodes cut short': this.#episodes.cutShort };
  }

  expire(nowNs: bigint): void {
    this.#episodes.expire(nowNs);
  }

  endAll(): void {
    this.#episodes.endAll();
  }

  #drop(record: DropRecord): void {
    const { emitter, decisions, links, count } = this.#parts;
    const { context, isParent } = count(decisions.decide(record.context, record.timeNs));
    emitter.event(EVENT_PACKET_DROP, {
      record,
      context,
      attributes: () => attributesOf(record, this.#parts),
    });
    if (context === undefined || !isParent) return;
    links.addUse(record.netns, record.cookie, context);
    if (emitter.spanMode(SPAN_PACKET_DROP) !== 'off') this.#addLoss(record, context);
  }

  #addLoss(record: DropRecord, context: TraceContext): void {
    const alone = { first: record, parent: context, lastNs: record.timeNs, count: 1 };
    if (!this.#parts.exchanges.addDrops(alone)) this.#episodes.add(record, context, 1);
  }

  /** What is dropped first comes before anything is heard of its exchange. */
  #endEpisode(episode: Episode<DropRecord>): void {
    const { exchanges } = this.#parts;
    if (!exchanges.addDrops(episode))
      this.#span({ ...episode, parent: exchanges.spanOf(episode.first) ?? episode.parent });
  }

  #span({ first, parent, lastNs, count }: Episode<DropRecord>): void {
    // It lies within its parent, as a span of retransmissions does, for Jaeger.
    const { requestStartNs = 0n } = first.context ?? {};
    this.#parts.emitter.span(SPAN_PACKET_DROP, {
      record: first,
      attributes: { ...attributesOf(first, this.#parts), [ATTR_PACKET_DROP_PACKETS]: count },
      startNs: requestStartNs === 0n ? first.timeNs : requestStartNs,
      endNs: lastNs,
      parent,
    });
  }
}

function attributesOf(record: DropRecord, parts: EventParts): Attributes {
  const { names, connectionIds, mask } = parts;
  const attributes: Attributes = {
    [ATTR_NETWORK_TRANSPORT]: 'tcp',
    [ATTR_NETWORK_TYPE]: record.family === 6 ? 'ipv6' : 'ipv4',
    [ATTR_PACKET_DROP_REASON]: names.dropReason(record.reason),
  };
  const set = (key: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== 0 && value !== '') attributes[key] = value;
  };
  set(ATTR_SOURCE_ADDRESS, mask(record.sourceAddress));
  set(ATTR_SOURCE_PORT, record.sourcePort);
  set(ATTR_DESTINATION_ADDRESS, mask(record.destinationAddress));
  set(ATTR_DESTINATION_PORT, record.destinationPort);
  set(ATTR_NETWORK_LOCAL_PORT, record.localPort);
  set(ATTR_NETWORK_PEER_PORT, record.peerPort);
  set(ATTR_NETWORK_CONNECTION_STATE, record.state);
  set(ATTR_NETWORK_INTERFACE_NAME, record.interfaceName);
  set(ATTR_CODE_FUNCTION_NAME, names.functionAt(record.location));
  const stack = record.stack.map((address) => names.functionAt(address) ?? `0x${address.toString(16)}`);
  set(ATTR_CODE_STACKTRACE, stack.join('\n'));
  if (record.cookie !== 0n) set(ATTR_TCP_CONNECTION_ID, connectionIds(record.netns, record.cookie));
  return attributes;
}
