import type { TraceContext } from '../model.ts';
import type { RequestContext, RetransmitRecord } from '../record.ts';

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
}

/**
 * The decision table. A method that is not in it gives no context at all: a network
 * event is on the right trace or on none.
 */
const methods: ReadonlyMap<string, Evidence> = new Map([
  ['http1_header', { confidence: 'exact', isParent: true }],
]);

const miss: Decision = { isParent: false, result: 'miss' };
const invalid: Decision = { isParent: false, result: 'invalid' };
const stale: Decision = { isParent: false, result: 'stale' };

const traceIdPattern = /^(?!0{32})[0-9a-f]{32}$/;
const spanIdPattern = /^(?!0{16})[0-9a-f]{16}$/;
const sampledFlag = 1;

/**
 * Decides what `context` says about something that happened at `timeNs`
 * (CLOCK_MONOTONIC). Ids come from other people's bytes: they are checked here too.
 */
export function decide(context: RequestContext | undefined, timeNs: bigint): Decision {
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

/**
 * Decides for a retransmission: the request must own a byte of the interval sent
 * again. A SYN has no bytes; its context is that of the connect.
 */
export function decideRetransmit(record: RetransmitRecord): Decision {
  const { context } = record;
  if (context === undefined) return miss;
  const isHandshake = record.type === 'syn' || record.type === 'syn_ack';
  if (!isHandshake && !isBefore(context.startSeq, record.endSeq)) return stale;
  return decide(context, record.timeNs);
}

/**
 * Decides for the handshake that the request in `context` caused: the request is
 * written after the handshake, so its time proves nothing here.
 */
export function decideHandshake(context: RequestContext | undefined): Decision {
  return decide(context, context?.requestStartNs ?? 0n);
}

function hasValidIds({ traceId, spanId, traceFlags }: RequestContext): boolean {
  const hasByteFlags = Number.isInteger(traceFlags) && traceFlags >= 0 && traceFlags <= 0xff;
  return hasByteFlags && traceIdPattern.test(traceId) && spanIdPattern.test(spanId);
}

/** TCP sequence comparison, modulo 2^32. */
function isBefore(left: number, right: number): boolean {
  return ((left - right) | 0) < 0;
}
