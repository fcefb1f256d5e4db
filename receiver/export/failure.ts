import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { outsideText } from '../../text/index.ts';
import { messageOf, retryDelayOf } from './rpc-status.ts';
import type { Answer, SendResult } from './send-result.ts';

/** gRPC status codes that the OTLP specification allows to be retried (RESOURCE_EXHAUSTED: see below). */
const retryableGrpcCodes: ReadonlySet<number> = new Set([
  1, // CANCELLED
  4, // DEADLINE_EXCEEDED
  10, // ABORTED
  11, // OUT_OF_RANGE
  14, // UNAVAILABLE
  15, // DATA_LOSS
]);
const resourceExhausted = 8;

const badRequest = 400;
const payloadTooLarge = 413;
/** Types of an answer that no collector gives. */
const webPages: ReadonlySet<string> = new Set(['text/html', 'application/xhtml+xml']);
/** What is shown of the name that who answered gives itself. */
const MAX_SERVER_CHARS = 40;
/** What is read of a reason that came as text. */
const maxReasonBytes = 512;

/**
 * Longest wait that a collector is granted, milliseconds: one that asks for a day, or wrote milliseconds for seconds,
 * is asked again before.
 */
const MAX_PAUSE_MS = 600_000;

/** HTTP statuses that the OTLP specification allows to be retried. */
const retryableHttpStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);

interface GrpcError extends Error {
  readonly code: number;
  readonly details: string;
  readonly metadata?: { get(key: string): (string | Buffer)[] };
}

/** Judges the error with which a transport gave up on a request. */
export function judgeFailure(error: unknown): SendResult {
  if (isGrpcError(error)) return judgeGrpc(error);
  const code = (error as { code?: unknown } | undefined)?.code;
  const cause = error instanceof Error && error.message !== '' ? error.message : String(code ?? error);
  return { status: 'retry', cause, afterMs: 0 };
}

/** Judges a whole HTTP answer with its `body`. */
export function judgeStatus(response: IncomingMessage, body: Uint8Array): Answer {
  const { statusCode: code = 0, statusMessage = '', headers } = response;
  const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const server = String(headers['server'] ?? '');
  const by = server === '' ? '' : ` from ${outsideText(server, MAX_SERVER_CHARS)}`;
  const answer = `HTTP ${code} ${statusMessage}`.trimEnd() + by;
  if (code >= 200 && code < 300) {
    if (!webPages.has(type)) return { status: 'answered', bytes: body };
    // Not for good: whoever stands in for the collector now may be gone by the next attempt.
    return { status: 'retry', cause: `${answer} with ${type}: a web page, not a collector`, afterMs: 0 };
  }
  const reason = reasonOf(type, body);
  const cause = reason === undefined ? answer : `${answer}: ${reason}`;
  if (code === payloadTooLarge || (code === badRequest && isAboutSize(reason ?? '')))
    return { status: 'too_large', cause };
  if (!retryableHttpStatuses.has(code)) return { status: 'rejected', cause };
  return { status: 'retry', cause, afterMs: retryAfterMs(headers) };
}

/** What the body says: a `Status` by the specification, a line of text from many servers and proxies. */
function reasonOf(type: string, body: Uint8Array): string | undefined {
  if (type === 'application/x-protobuf') return messageOf(body);
  if (type === 'application/json') return messageInJson(body);
  const isText = type === 'text/plain' || type === '';
  const text = isText ? Buffer.from(body.subarray(0, maxReasonBytes)).toString().trim() : '';
  return text === '' ? undefined : text;
}

function messageInJson(body: Uint8Array): string | undefined {
  try {
    const { message } = JSON.parse(Buffer.from(body).toString()) as { readonly message?: unknown };
    return typeof message === 'string' && message !== '' ? message : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The words of servers in Go, C and Java for a request above their limit. Without a word in front, "Received message
 * larger than max" is what our own client says of an answer whose request was read: sent again it would count twice.
 */
function isAboutSize(text: string): boolean {
  return /(?:grpc|server): received message .*larger than max|message exceeds maximum size|too large/i.test(
    text,
  );
}

/** `Retry-After`, in seconds or as a date, which is one of the server's own clock; 0 when it says nothing. */
function retryAfterMs({ 'retry-after': after = '', date }: IncomingHttpHeaders): number {
  if (/^\s*\d+\s*$/.test(after)) return boundedPauseMs(Number(after) * 1000);
  return boundedPauseMs((dateOf(after) ?? 0) - (dateOf(date ?? '') ?? Date.now()));
}

/** Unix milliseconds; undefined for what is no date of HTTP: `Date.parse` finds one in almost any text. */
function dateOf(text: string): number | undefined {
  return /^\s*[A-Z][a-z]+, .*GMT\s*$/.test(text) ? Date.parse(text) : undefined;
}

/** What anybody wrote, as a time to wait. */
function boundedPauseMs(pauseMs: number): number {
  return pauseMs > 0 ? Math.min(pauseMs, MAX_PAUSE_MS) : 0;
}

function isGrpcError(error: unknown): error is GrpcError {
  return (
    error instanceof Error && 'details' in error && typeof (error as Partial<GrpcError>).code === 'number'
  );
}

function judgeGrpc(error: GrpcError): SendResult {
  const cause = error.message.replace(/\s*Resolution note:\s*$/, '');
  if (retryableGrpcCodes.has(error.code))
    return { status: 'retry', cause, afterMs: retryDelayMs(error) ?? 0 };
  // The server must say that it will recover (RetryInfo); otherwise the request is just too large.
  const afterMs = error.code === resourceExhausted ? retryDelayMs(error) : undefined;
  if (afterMs === undefined && error.code === resourceExhausted && isAboutSize(cause))
    return { status: 'too_large', cause };
  return afterMs === undefined ? { status: 'rejected', cause } : { status: 'retry', cause, afterMs };
}

/** The delay that the status details ask for, milliseconds. */
function retryDelayMs(error: GrpcError): number | undefined {
  const [encoded] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (!(encoded instanceof Uint8Array)) return undefined;
  const delayMs = retryDelayOf(encoded);
  return delayMs === undefined ? undefined : boundedPauseMs(delayMs);
}
