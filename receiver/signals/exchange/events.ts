import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_ERROR_TYPE,
  ATTR_TCP_CLOSE_REASON,
  ATTR_TCP_CONNECTION_RTT_SMOOTHED,
  ATTR_TCP_EXCHANGE_BYTES_RECEIVED,
  ATTR_TCP_EXCHANGE_BYTES_SENT,
  ATTR_TCP_EXCHANGE_PHASE_ACCEPT_QUEUE,
  ATTR_TCP_EXCHANGE_PHASE_ACKNOWLEDGEMENT,
  ATTR_TCP_EXCHANGE_PHASE_APPLICATION,
  ATTR_TCP_EXCHANGE_PHASE_HANDSHAKE,
  ATTR_TCP_EXCHANGE_PHASE_PEER,
  ATTR_TCP_EXCHANGE_PHASE_RECEIVE_QUEUE,
  ATTR_TCP_EXCHANGE_PHASE_REQUEST,
  ATTR_TCP_EXCHANGE_PHASE_RESPONSE,
  ATTR_TCP_EXCHANGE_PHASE_RETRANSMIT,
  ATTR_TCP_EXCHANGE_PHASE_SEND,
  ATTR_TCP_EXCHANGE_PHASE_UNKNOWN,
  ATTR_TCP_EXCHANGE_SEGMENTS_RETRANSMITTED,
  ATTR_TCP_EXCHANGE_TIME_TO_FIRST_BYTE,
  ATTR_TCP_EXCHANGE_TIME_TO_LAST_BYTE,
  SPAN_TCP_EXCHANGE,
} from '../../../semconv/index.ts';
import type { Exchange } from '../../correlate/exchanges.ts';
import type { EventParts, RecordEvents } from '../../correlate/record-events.ts';
import type { TraceContext } from '../../model/event.ts';
import type { RecordHandlers } from '../../model/record-handlers.ts';
import type { ExchangeRecord } from '../../model/record.ts';
import { beginOf, divisionOf, endOf } from './division.ts';
import type { Phase } from './phases.ts';

const PHASE_ATTRIBUTES: Readonly<Record<Phase, string>> = {
  handshake: ATTR_TCP_EXCHANGE_PHASE_HANDSHAKE,
  accept_queue: ATTR_TCP_EXCHANGE_PHASE_ACCEPT_QUEUE,
  request: ATTR_TCP_EXCHANGE_PHASE_REQUEST,
  receive_queue: ATTR_TCP_EXCHANGE_PHASE_RECEIVE_QUEUE,
  application: ATTR_TCP_EXCHANGE_PHASE_APPLICATION,
  send: ATTR_TCP_EXCHANGE_PHASE_SEND,
  retransmit: ATTR_TCP_EXCHANGE_PHASE_RETRANSMIT,
  peer: ATTR_TCP_EXCHANGE_PHASE_PEER,
  response: ATTR_TCP_EXCHANGE_PHASE_RESPONSE,
  acknowledgement: ATTR_TCP_EXCHANGE_PHASE_ACKNOWLEDGEMENT,
  unknown: ATTR_TCP_EXCHANGE_PHASE_UNKNOWN,
};

/** The clocks of applications are no finer: a span of theirs may end so much too early. */
const applicationTickNs = 1_000_000n;

/** A span for each exchange that is wanted; what happened to it hangs under it. */
export class ExchangeEvents implements RecordEvents {
  readonly handlers: RecordHandlers = { exchange: (record) => this.#exchange(record) };
  readonly #parts: EventParts;

  constructor(parts: EventParts) {
    this.#parts = parts;
    parts.exchanges.onExchange((exchange) => this.#span(exchange));
  }

  get boundsMet(): Readonly<Record<string, number>> {
    return { 'exchanges cut short': this.#parts.exchanges.cutShort };
  }

  expire(nowNs: bigint): void {
    this.#parts.exchanges.expire(nowNs);
  }

  endAll(): void {
    this.#parts.exchanges.endAll();
  }

  #exchange(record: ExchangeRecord): void {
    const { emitter, decisions, exchanges, links } = this.#parts;
    const mode = emitter.spanMode(SPAN_TCP_EXCHANGE);
    const { context, isParent } = decisions.decide(record.context, record.timeNs);
    if (context === undefined || !isParent) return;
    links.addUse(record.netns, record.cookie, context);
    if (mode === 'always' || (mode === 'eventful' && record.isEventful)) exchanges.add(record, context);
  }

  #span(exchange: Exchange): TraceContext | undefined {
    const { emitter, sockets } = this.#parts;
    const { socket, context, parent, record, heardNs } = exchange;
    const ref = emitter.span(SPAN_TCP_EXCHANGE, {
      record: record ?? socket,
      attributes: {
        ...sockets.connection(record ?? socket),
        ...(record !== undefined && figures(record, context.arrivedNs ?? context.requestStartNs)),
        ...(record !== undefined && phaseAttributes(record, heardNs)),
      },
      // Where a span of a server begins is that of its parent, which may be later than its first byte.
      startNs: record?.role === 'client' ? beginOf(record) : context.requestStartNs,
      endNs: spanEndOf(exchange),
      parent,
      isFailed: record?.error !== undefined,
    });
    return ref && { ...parent, spanId: ref.spanId };
  }
}

/** Losses may come later. */
function spanEndOf({ record, heardNs, retransmits, drops }: Exchange): bigint {
  const lastNs = record === undefined ? heardNs : endOf(record, heardNs);
  const ends = [lastNs - applicationTickNs, retransmits?.lastNs ?? 0n, drops?.lastNs ?? 0n];
  return ends.reduce((a, b) => (a > b ? a : b));
}

/** Seconds of each phase, where they were asked for. */
function phaseAttributes(record: ExchangeRecord, heardNs: bigint): Attributes {
  const division = divisionOf(record, heardNs) ?? [];
  return Object.fromEntries([...division].map(([phase, ns]) => [PHASE_ATTRIBUTES[phase], Number(ns) / 1e9]));
}

function figures(record: ExchangeRecord, startNs: bigint): Attributes {
  const { firstNs, lastNs, segmentsRetransmitted, rttSmoothedUs, error } = record;
  const { request, response } = bytesOf(record);
  const attributes: Attributes = {
    ...request,
    [ATTR_TCP_EXCHANGE_SEGMENTS_RETRANSMITTED]: segmentsRetransmitted,
  };
  if (firstNs === 0n) {
    if (record.closeReason !== undefined) attributes[ATTR_TCP_CLOSE_REASON] = record.closeReason;
  } else {
    attributes[ATTR_TCP_EXCHANGE_TIME_TO_FIRST_BYTE] = Number(firstNs - startNs) / 1e9;
  }
  // What came after the first byte is known at the end.
  if (firstNs !== 0n && record.what !== 'answered') {
    if (lastNs !== 0n) attributes[ATTR_TCP_EXCHANGE_TIME_TO_LAST_BYTE] = Number(lastNs - startNs) / 1e9;
    Object.assign(attributes, response);
  }
  // Zero is left out: JavaScript would send it as an integer.
  if (rttSmoothedUs !== 0) attributes[ATTR_TCP_CONNECTION_RTT_SMOOTHED] = rttSmoothedUs / 1e6;
  if (error !== undefined) attributes[ATTR_ERROR_TYPE] = error;
  return attributes;
}

/** A client sends the request and receives the response, a server the other way round. */
function bytesOf({
  role,
  bytesSent,
  bytesReceived,
}: ExchangeRecord): Record<'request' | 'response', Attributes> {
  const sent = { [ATTR_TCP_EXCHANGE_BYTES_SENT]: Number(bytesSent) };
  const received = { [ATTR_TCP_EXCHANGE_BYTES_RECEIVED]: Number(bytesReceived) };
  return role === 'server' ? { request: received, response: sent } : { request: sent, response: received };
}
