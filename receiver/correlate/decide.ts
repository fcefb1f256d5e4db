import type { TraceContext } from '../model/event.ts';
import type { RequestContext, RetransmitRecord } from '../model/record.ts';

/** Where a network event goes with respect to the application's trace. */
export interface Decision {
  /** For log events: the request's context, sampled or not. */
  readonly context?: TraceContext;
  /** May a span become a child of it? Only of a sampled one, with good evidence. */
  readonly isParent: boolean;
  /** How the look-up ended, for the agent's own telemetry. */
  readonly result: 'hit' | 'miss' | 'stale' | 'invalid';
}

/** One row of the decision table: how far evidence of one method is trusted. */
interface Evidence {
  readonly confidence: string;
  readonly isParent: boolean;
  /** The bytes of its context end with a message, so there is a most that they can be. */
  readonly isMessage: boolean;
}

/**
 * The decision table. A method that is not in it gives no context at all: a network
 * event is on the right trace or on none.
 */
const methods: ReadonlyMap<string, Evidence> = new Map([
  ['http1_header', { confidence: 'exact', isParent: true, isMessage: true }],
  // A stream has no most that it can be.
  ['h2_header', { confidence: 'exact', isParent: true, isMessage: false }],
  // Nor has its answer. Each of its frames says which stream it is of.
  ['h2_stream', { confidence: 'exact', isParent: true, isMessage: false }],
  // Whoever announces has the socket open, and says it before the bytes.
  ['sdk_hook', { confidence: 'exact', isParent: true, isMessage: false }],
  // The answer to the one request that was not answered, whose head has the context. The end of an answer is not read.
  ['http1_window', { confidence: 'high', isParent: true, isMessage: false }],
  // The SERVER span of this very request: its parent is the context in the head, or it was the only one on the connection.
  ['otlp_server', { confidence: 'exact', isParent: true, isMessage: false }],
  // What the thread that wrote said it was doing: of another request only where a thread writes for others.
  ['thread_ctx', { confidence: 'high', isParent: true, isMessage: false }],
  // The same of the asynchronous context that Node was in; of the one that opened it, where TLS hides the first request's.
  ['node_ctx', { confidence: 'high', isParent: true, isMessage: false }],
  ['tls_inherit', { confidence: 'high', isParent: true, isMessage: false }],
]);

/** A record of some bytes of a stream. */
interface OfBytes {
  readonly context?: RequestContext;
  readonly timeNs: bigint;
}

const miss: Decision = { isParent: false, result: 'miss' };
const invalid: Decision = { isParent: false, result: 'invalid' };
const stale: Decision = { isParent: false, result: 'stale' };

const traceIdPattern = /^(?!0{32})[0-9a-f]{32}$/;
const spanIdPattern = /^(?!0{16})[0-9a-f]{16}$/;
const sampledFlag = 1;
/** The kernel side takes no longer body than 2^31 bytes, nor an HTTP/1 head beyond 4,096. */
const maxRequestBytes = 2 ** 31 + 4_096;
/** A segment may hold the end of one request and the beginning of the next. */
const maxSegmentBytes = 2 ** 20;

/**
 * Decides what `context` says about something that happened at `timeNs`
 * (CLOCK_MONOTONIC). Ids come from other people's bytes: they are checked here too.
 */
function decide(context: RequestContext | undefined, timeNs: bigint): Decision {
  if (context === undefined) return miss;
  const evidence = methods.get(context.method);
  if (evidence === undefined || !hasValidIds(context)) return invalid;
  if (timeNs < context.requestStartNs) return stale;
  const { traceId, spanId, traceFlags, method } = context;
  const { confidence } = evidence;
  return {
    context: { traceId, spanId, traceFlags, method, confidence },
    isParent: evidence.isParent && (traceFlags & sampledFlag) !== 0,
    result: 'hit',
  };
}

/** Decides for bytes that end before `endSeq`: the request must own one of them. */
function decideBytes({ context, timeNs }: OfBytes, endSeq: number): Decision {
  if (context === undefined) return miss;
  const isMessage = methods.get(context.method)?.isMessage ?? true;
  if (isMessage && !isWithin(endSeq, context.startSeq)) return stale;
  return decide(context, timeNs);
}

/**
 * Decides for a retransmission: the request must own a byte of the interval sent
 * again. A SYN has no bytes; its context is that of the connect.
 */
function decideRetransmit(record: RetransmitRecord): Decision {
  const isHandshake = record.type === 'syn' || record.type === 'syn_ack';
  return isHandshake ? decide(record.context, record.timeNs) : decideBytes(record, record.endSeq);
}

/**
 * Decides for the handshake that the request in `context` caused: the request is
 * written after the handshake, so its time proves nothing here.
 */
function decideHandshake(context: RequestContext | undefined): Decision {
  return decide(context, context?.requestStartNs ?? 0n);
}

function hasValidIds({ traceId, spanId, traceFlags }: RequestContext): boolean {
  const hasByteFlags = Number.isInteger(traceFlags) && traceFlags >= 0 && traceFlags <= 0xff;
  return hasByteFlags && traceIdPattern.test(traceId) && spanIdPattern.test(spanId);
}

/** Whether a segment that ends at `endSeq` can reach into the request, modulo 2^32. */
function isWithin(endSeq: number, startSeq: number): boolean {
  const distance = (endSeq - startSeq) >>> 0;
  return distance > 0 && distance <= maxRequestBytes + maxSegmentBytes;
}

/** The decisions, for those who are handed them. */
export const DECISIONS = { decide, decideBytes, decideRetransmit, decideHandshake };
export type Decisions = Readonly<typeof DECISIONS>;
