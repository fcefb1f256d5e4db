import type { IncomingMessage } from 'node:http';
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

/** Longest wait that a timer takes, milliseconds; a longer one would end at once. */
const maxWaitMs = 2 ** 31 - 1;

/** Bytes of the longest varint. */
const maxVarintBytes = 10;

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
  if (code >= 200 && code < 300) return { status: 'answered', bytes: body };
  const cause = `HTTP ${code} ${statusMessage}`.trimEnd();
  if (!retryableHttpStatuses.has(code)) return { status: 'rejected', cause };
  return { status: 'retry', cause, afterMs: retryAfterMs(headers['retry-after']) };
}

/** `Retry-After`, in seconds or as a date; 0 when it says nothing. */
function retryAfterMs(header: string | undefined): number {
  if (header === undefined) return 0;
  const waitMs = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return boundedWaitMs(waitMs);
}

/** What anybody wrote, as a time to wait: a number from 0 up to what a timer takes. */
function boundedWaitMs(waitMs: number): number {
  return waitMs > 0 ? Math.min(waitMs, maxWaitMs) : 0;
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
  return afterMs === undefined ? { status: 'rejected', cause } : { status: 'retry', cause, afterMs };
}

/** `google.rpc.RetryInfo` out of the status details, in milliseconds. */
function retryDelayMs(error: GrpcError): number | undefined {
  const [encoded] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (!(encoded instanceof Uint8Array)) return undefined;
  // Status{3: Any{1: type_url, 2: RetryInfo{1: Duration{1: seconds, 2: nanos}}}}
  for (const detail of fieldsOf(encoded)) {
    if (detail.field !== 3 || detail.bytes === undefined) continue;
    const any = fieldsOf(detail.bytes);
    const type = any.find((f) => f.field === 1)?.bytes;
    if (type === undefined || !Buffer.from(type).toString().endsWith('/google.rpc.RetryInfo')) continue;
    const info = any.find((f) => f.field === 2)?.bytes;
    const duration = fieldsOf(
      fieldsOf(info ?? new Uint8Array()).find((f) => f.field === 1)?.bytes ?? new Uint8Array(),
    );
    const valueOf = (field: number): number => duration.find((f) => f.field === field)?.value ?? 0;
    return boundedWaitMs(valueOf(1) * 1000 + Math.round(valueOf(2) / 1e6));
  }
  return undefined;
}

interface ProtoField {
  readonly field: number;
  readonly value?: number;
  readonly bytes?: Uint8Array;
}

/** The varint and length-delimited fields of a message; stops at the first thing it does not know. */
function fieldsOf(message: Uint8Array): ProtoField[] {
  const fields: ProtoField[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    const end = Math.min(message.length, at + maxVarintBytes);
    for (let scale = 1; at < end; scale *= 128) {
      const byte = message[at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    if (tag % 8 === 0) fields.push({ field, value: varint() });
    else if (tag % 8 === 2) {
      const length = varint();
      fields.push({ field, bytes: message.subarray(at, at + length) });
      at += length;
    } else break;
  }
  return fields;
}
