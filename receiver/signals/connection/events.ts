import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_ERROR_TYPE,
  ATTR_TCP_CONNECTION_ID,
  ATTR_TCP_SYN_RETRANSMITS,
  EVENT_TCP_CONNECTION_ACCEPT,
  EVENT_TCP_CONNECTION_CLOSE,
  EVENT_TCP_CONNECTION_FAIL,
  EVENT_TCP_CONNECTION_OPEN,
  SPAN_TCP_ACCEPT,
  SPAN_TCP_CONNECT,
  SPAN_TCP_CONNECTION,
} from '../../../semconv/index.ts';
import type { SpanRef } from '../../correlate/connection-links.ts';
import type { Decision } from '../../correlate/decide.ts';
import type { EventParts, RecordEvents } from '../../correlate/record-events.ts';
import type { TraceContext } from '../../model/event.ts';
import type { RecordHandlers } from '../../model/record-handlers.ts';
import type { ConnectionRecord, SocketRecord } from '../../model/record.ts';
import { createConnectHolds, type ConnectHolds } from './connect-holds.ts';
import { acceptQueueWait, handshakeLatency, lifetime, totals } from './record-attributes.ts';
import { isConnectionSampled } from './sampling.ts';

const maxHeldConnects = 10_000;
/** `error.type` of an attempt that the application gave up: neither event nor span. */
const cancelled = 'cancelled';
const unknownError = '_OTHER';

/** Events and spans about the life of connections. */
export class ConnectionEvents implements RecordEvents {
  readonly handlers: RecordHandlers = {
    open: (record) => this.#opened(record),
    handshake: (record) => this.#handshake(record),
    accept: (record) => this.#accepted(record),
    fail: (record) => this.#failed(record),
    close: (record) => this.#closed(record),
  };
  readonly #parts: EventParts;
  readonly #holds: ConnectHolds;

  constructor(parts: EventParts) {
    this.#parts = parts;
    this.#holds = createConnectHolds(maxHeldConnects, (record) => this.#connectSpan(record));
  }

  get boundsMet(): Readonly<Record<string, number>> {
    return { 'handshakes without the time to find their request': this.#holds.releasedEarly };
  }

  /** Lets go of handshakes that waited a second for their request. */
  expire(nowNs: bigint): void {
    this.#holds.expire(nowNs);
  }

  endAll(): void {
    this.#holds.releaseAll();
  }

  #opened(record: ConnectionRecord): void {
    const isAlways = this.#parts.emitter.spanMode(SPAN_TCP_CONNECT) === 'always';
    if (isAlways && !record.preexisting) this.#holds.hold(record);
    this.#parts.emitter.event(EVENT_TCP_CONNECTION_OPEN, {
      record,
      attributes: () => ({ ...this.#parts.sockets.connection(record), ...handshakeLatency(record) }),
    });
  }

  /** The same handshake as an `open` before it, now with the request that caused it. */
  #handshake(record: ConnectionRecord): void {
    const { context, isParent } = this.#parts.count(this.#parts.decisions.decideHandshake(record.context));
    if (context === undefined) return;
    this.#holds.take(record);
    if (this.#parts.emitter.eventMode(EVENT_TCP_CONNECTION_OPEN) === 'correlated') {
      this.#parts.emitter.event(EVENT_TCP_CONNECTION_OPEN, {
        record,
        context,
        timeNs: record.establishedNs,
        attributes: () => ({ ...this.#parts.sockets.connection(record), ...handshakeLatency(record) }),
      });
    }
    if (!isParent) return;
    this.#parts.links.addUse(record.netns, record.cookie, context);
    if (this.#parts.emitter.spanMode(SPAN_TCP_CONNECT) !== 'off') this.#connectSpan(record, context);
  }

  #accepted(record: ConnectionRecord): void {
    const decision = this.#parts.decisions.decide(record.context, record.timeNs);
    this.#parts.emitter.event(EVENT_TCP_CONNECTION_ACCEPT, {
      record,
      context: decision.context,
      ownSpan: this.#acceptSpan(record, decision),
      attributes: () => ({ ...this.#parts.sockets.connection(record), ...acceptQueueWait(record) }),
    });
  }

  #failed(given: ConnectionRecord): void {
    const record = { ...given, error: given.error ?? unknownError };
    if (record.error === cancelled) return;
    const decision = this.#parts.decisions.decide(record.context, record.timeNs);
    this.#parts.emitter.event(EVENT_TCP_CONNECTION_FAIL, {
      record,
      context: decision.context,
      ownSpan: this.#failedConnectSpan(record, decision),
      attributes: () => ({ ...this.#handshakeAttributes(record), [ATTR_ERROR_TYPE]: record.error }),
    });
  }

  #closed(record: ConnectionRecord): void {
    const waiting = this.#holds.take(record);
    if (waiting !== undefined) this.#connectSpan(waiting);
    const { context, isParent } = this.#parts.decisions.decide(record.context, record.timeNs);
    if (isParent && context !== undefined) this.#parts.links.addUse(record.netns, record.cookie, context);
    this.#parts.emitter.event(EVENT_TCP_CONNECTION_CLOSE, {
      record,
      context,
      ownSpan: this.#connectionSpan(record),
      isGrave: record.error !== undefined,
      attributes: () => ({
        ...this.#parts.sockets.connection(record),
        ...totals(record),
        ...lifetime(record),
      }),
    });
  }

  #connectSpan(record: ConnectionRecord, parent?: TraceContext): SpanRef | undefined {
    const { handshakeStartNs: startNs, error } = record;
    const endNs = record.kind === 'fail' ? record.timeNs : record.establishedNs;
    if (startNs === 0n || endNs === 0n) return undefined;
    const attributes = this.#handshakeAttributes(record);
    if (error !== undefined) attributes[ATTR_ERROR_TYPE] = error;
    const isFailed = error !== undefined;
    const draft = { record, attributes, startNs, endNs, parent, isFailed };
    return this.#rememberHandshake(record, this.#parts.emitter.span(SPAN_TCP_CONNECT, draft));
  }

  /** A failed attempt carried no request: it has a span when it was announced for one, or when every one has. */
  #failedConnectSpan(record: ConnectionRecord, decision: Decision): SpanRef | undefined {
    const { context, isParent } = decision;
    const mode = this.#parts.emitter.spanMode(SPAN_TCP_CONNECT);
    const isUnsampled = context !== undefined && !isParent;
    const isWanted = mode === 'always' || (mode === 'correlated' && isParent);
    if (record.role === 'server' || !isWanted || isUnsampled) return undefined;
    return this.#connectSpan(record, context);
  }

  #acceptSpan(record: ConnectionRecord, { context, isParent }: Decision): SpanRef | undefined {
    const { handshakeStartNs: startNs, acceptedNs: endNs } = record;
    const mode = this.#parts.emitter.spanMode(SPAN_TCP_ACCEPT);
    const isWanted = mode === 'always' || (mode === 'correlated' && isParent);
    if (!isWanted || startNs === 0n || endNs === 0n) return undefined;
    const attributes = { ...this.#handshakeAttributes(record), ...acceptQueueWait(record) };
    const links = isParent && context !== undefined ? [linkTo(context)] : [];
    const draft = { record, attributes, startNs, endNs, links };
    return this.#rememberHandshake(record, this.#parts.emitter.span(SPAN_TCP_ACCEPT, draft));
  }

  #connectionSpan(record: ConnectionRecord): SpanRef | undefined {
    const mode = this.#parts.emitter.spanMode(SPAN_TCP_CONNECTION);
    if (mode === 'off') return undefined;
    const { spans, isUsed } = this.#parts.links.take(record.netns, record.cookie);
    if (record.establishedNs === 0n || (mode === 'correlated' && !isUsed)) return undefined;
    const attributes = { ...this.#parts.sockets.connection(record), ...totals(record) };
    const id = String(attributes[ATTR_TCP_CONNECTION_ID]);
    if (!isConnectionSampled(record, id, this.#parts.emitter.connectionSampling)) return undefined;
    return this.#parts.emitter.span(SPAN_TCP_CONNECTION, {
      record,
      attributes,
      startNs: record.establishedNs,
      endNs: record.timeNs,
      links: spans,
      isFailed: record.error !== undefined,
    });
  }

  #rememberHandshake(record: SocketRecord, span: SpanRef | undefined): SpanRef | undefined {
    if (span !== undefined) this.#parts.links.addHandshake(record.netns, record.cookie, span);
    return span;
  }

  #handshakeAttributes(record: ConnectionRecord): Attributes {
    return { ...this.#parts.sockets.connection(record), [ATTR_TCP_SYN_RETRANSMITS]: record.synRetransmits };
  }
}

function linkTo({ traceId, spanId, traceFlags }: TraceContext): SpanRef {
  return { traceId, spanId, traceFlags };
}
