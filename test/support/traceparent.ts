/** Trace contexts and HTTP/1 heads that carry them. */
import { randomBytes } from 'node:crypto';

export interface Context {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

/** Never all zero: the first byte of each is not. */
export function newContext(flags = 1): Context {
  const id = (bytes: number): string => `a${randomBytes(bytes).toString('hex').slice(1)}`;
  return { traceId: id(16), spanId: id(8), flags };
}

/** The header's value, version 00. */
export function valueOf({ traceId, spanId, flags }: Context): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`;
}

/** A whole head of these header lines. */
export function head(lines: readonly string[], requestLine = 'GET /a?b=c HTTP/1.1'): string {
  return [requestLine, 'Host: example.test', ...lines, '', ''].join('\r\n');
}

/** A request with this context and, when given, a body of that many bytes. */
export function requestOf(context: Context, bodyBytes?: number): string {
  const lines = [`traceparent: ${valueOf(context)}`];
  if (bodyBytes === undefined) return head(lines);
  return head([...lines, `Content-Length: ${bodyBytes}`], 'POST /b HTTP/1.1') + 'b'.repeat(bodyBytes);
}

/** A header line of exactly this many bytes, its end included. */
export function padding(bytes: number): string {
  return `cookie: ${'c'.repeat(bytes - 'cookie: \r\n'.length)}`;
}

/** The head of a request whose body comes in chunks. */
export function chunkedHead(context: Context, lines: readonly string[] = []): string {
  return head(
    [`traceparent: ${valueOf(context)}`, 'Transfer-Encoding: chunked', ...lines],
    'POST / HTTP/1.1',
  );
}

/** One chunk of these bytes. */
export function chunk(data: string, extension = ''): string {
  return `${data.length.toString(16)}${extension}\r\n${data}\r\n`;
}

/** What ends a chunked body, with these lines in its trailer section. */
export function lastChunk(trailers: readonly string[] = []): string {
  return ['0', ...trailers, '', ''].join('\r\n');
}
