import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_ERROR_TYPE,
  ATTR_TCP_SYN_RETRANSMITS,
  EVENT_TCP_CONNECTION_ACCEPT,
  EVENT_TCP_CONNECTION_CLOSE,
  EVENT_TCP_CONNECTION_FAIL,
  EVENT_TCP_CONNECTION_OPEN,
  SPAN_TCP_ACCEPT,
  SPAN_TCP_CONNECT,
  SPAN_TCP_CONNECTION,
} from '../../semconv/index.ts';
import type { TraceContext } from '../model.ts';
import type { ConnectionRecord, SocketRecord } from '../record.ts';
import { acceptQueueWait, handshakeLatency, lifetime, totals } from './connection-attributes.ts';
import { createConnectHolds } from './connect-holds.ts';
import { ConnectionLinks, type SpanRef } from './connection-links.ts';
import { decide, decideHandshake, type Decision } from './decide.ts';
import type { Emitter } from './emitter.ts';
import type { SocketAttributes } from './socket-attributes.ts';

/** Events and spans about the life of connections. */
export interface ConnectionStage {
  handle(record: ConnectionRecord): void;
  /** A sampled request used the connection. */
  use(record: SocketRecord, context: TraceContext): void;
  expire(nowNs: bigint): void;
  releaseAll(): void;
}

const maxHeldConnects = 10_000;
/** `error.type` of an attempt that the application gave up: neither event nor span. */
const cancelled = 'cancelled';
const unknownError = '_OTHER';

export function createConnectionStage(
  emitter: Emitter,
  sockets: SocketAttributes,
  count: (decision: Decision) => Decision,
): ConnectionStage {
  const connectMode = emitter.spanMode(SPAN_TCP_CONNECT);
  const acceptMode = emitter.spanMode(SPAN_TCP_ACCEPT);
  const connectionMode = emitter.spanMode(SPAN_TCP_CONNECTION);
  const links = new ConnectionLinks();

  const use = (record: SocketRecord, context: TraceContext): void => {
    if (connectionMode !== 'off') links.addUse(record.netns, record.cookie, context);
  };
  const rememberHandshake = (record: SocketRecord, span: SpanRef | undefined): void => {
    if (span === undefined || connectionMode === 'off') return;
    links.addHandshake(record.netns, record.cookie, span);
  };
  const handshakeAttributes = (record: ConnectionRecord): Attributes => ({
    ...sockets.connection(record),
    [ATTR_TCP_SYN_RETRANSMITS]: record.synRetransmits,
  });

  const connectSpan = (record: ConnectionRecord, parent?: TraceContext): SpanRef | undefined => {
    const { handshakeStartNs: startNs, error } = record;
    const endNs = record.kind === 'fail' ? record.timeNs : record.establishedNs;
    if (startNs === 0n || endNs === 0n) return undefined;
    const attributes = handshakeAttributes(record);
    if (error !== undefined) attributes[ATTR_ERROR_TYPE] = error;
    const isFailed = error !== undefined;
    const span = emitter.span(SPAN_TCP_CONNECT, { record, attributes, startNs, endNs, parent, isFailed });
    rememberHandshake(record, span);
    return span;
  };
  const holds = createConnectHolds(maxHeldConnects, (record) => connectSpan(record));

  const opened = (record: ConnectionRecord): void => {
    if (connectMode === 'always' && !record.preexisting) holds.hold(record);
    emitter.event(EVENT_TCP_CONNECTION_OPEN, {
      record,
      attributes: () => ({ ...sockets.connection(record), ...handshakeLatency(record) }),
    });
  };

  /** The same handshake as an `open` before it, now with the request that caused it. */
  const handshake = (record: ConnectionRecord): void => {
    const { context, isParent } = count(decideHandshake(record.context));
    if (context === undefined) return;
    holds.take(record);
    if (emitter.eventMode(EVENT_TCP_CONNECTION_OPEN) === 'correlated') {
      emitter.event(EVENT_TCP_CONNECTION_OPEN, {
        record,
        context,
        timeNs: record.establishedNs,
        attributes: () => ({ ...sockets.connection(record), ...handshakeLatency(record) }),
      });
    }
    if (!isParent) return;
    use(record, context);
    if (connectMode !== 'off') connectSpan(record, context);
  };

  const accepted = (record: ConnectionRecord): void => {
    const { context, isParent } = decide(record.context, record.timeNs);
    const wait = acceptQueueWait(record);
    const { handshakeStartNs: startNs, acceptedNs: endNs } = record;
    let ownSpan: SpanRef | undefined;
    const isWanted = acceptMode === 'always' || (acceptMode === 'correlated' && isParent);
    if (isWanted && startNs !== 0n && endNs !== 0n) {
      const attributes = { ...handshakeAttributes(record), ...wait };
      const reader = isParent && context !== undefined ? [linkTo(context)] : [];
      ownSpan = emitter.span(SPAN_TCP_ACCEPT, { record, attributes, startNs, endNs, links: reader });
      rememberHandshake(record, ownSpan);
    }
    emitter.event(EVENT_TCP_CONNECTION_ACCEPT, {
      record,
      context,
      ownSpan,
      attributes: () => ({ ...sockets.connection(record), ...wait }),
    });
  };

  const failed = (given: ConnectionRecord): void => {
    const record = { ...given, error: given.error ?? unknownError };
    if (record.error === cancelled) return;
    const { context, isParent } = decide(record.context, record.timeNs);
    const parent = isParent ? context : undefined;
    const isWanted = connectMode === 'always' || (connectMode === 'correlated' && isParent);
    const isUnsampled = context !== undefined && !isParent;
    const isClient = record.role !== 'server';
    const ownSpan = isClient && isWanted && !isUnsampled ? connectSpan(record, parent) : undefined;
    emitter.event(EVENT_TCP_CONNECTION_FAIL, {
      record,
      context,
      ownSpan,
      attributes: () => ({ ...handshakeAttributes(record), [ATTR_ERROR_TYPE]: record.error }),
    });
  };

  const connectionSpan = (record: ConnectionRecord): SpanRef | undefined => {
    if (connectionMode === 'off') return undefined;
    const spanLinks = links.take(record.netns, record.cookie);
    if (record.establishedNs === 0n) return undefined;
    if (connectionMode === 'correlated' && spanLinks.length === 0) return undefined;
    return emitter.span(SPAN_TCP_CONNECTION, {
      record,
      attributes: { ...sockets.connection(record), ...totals(record) },
      startNs: record.establishedNs,
      endNs: record.timeNs,
      links: spanLinks,
      isFailed: record.error !== undefined,
    });
  };

  const closed = (record: ConnectionRecord): void => {
    const waiting = holds.take(record);
    if (waiting !== undefined) connectSpan(waiting);
    const { context, isParent } = decide(record.context, record.timeNs);
    if (isParent && context !== undefined) use(record, context);
    const ownSpan = connectionSpan(record);
    emitter.event(EVENT_TCP_CONNECTION_CLOSE, {
      record,
      context,
      ownSpan,
      isGrave: record.error !== undefined,
      attributes: () => ({ ...sockets.connection(record), ...totals(record), ...lifetime(record) }),
    });
  };

  const handlers = { open: opened, handshake, accept: accepted, fail: failed, close: closed };
  return {
    handle: (record) => handlers[record.kind](record),
    use,
    expire: (nowNs) => holds.expire(nowNs),
    releaseAll: () => holds.releaseAll(),
  };
}

function linkTo({ traceId, spanId, traceFlags }: TraceContext): SpanRef {
  return { traceId, spanId, traceFlags };
}
