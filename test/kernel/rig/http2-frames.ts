/** Frames of HTTP/2 as a client writes them (RFC 9113), with a header block that needs no table. */
import { valueOf, type Context } from '../../support/traceparent.ts';

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

const latin1 = (bytes: readonly number[]): string => Buffer.from(bytes).toString('latin1');

export function frame(type: number, flags: number, stream: number, payload = ''): string {
  const { length } = payload;
  const numbers = [
    length >> 16,
    length >> 8,
    length,
    type,
    flags,
    stream >> 24,
    stream >> 16,
    stream >> 8,
    stream,
  ];
  return latin1(numbers.map((number) => number & 0xff)) + payload;
}

const literal = (name: string, value: string): string =>
  `\0${latin1([name.length])}${name}${latin1([value.length])}${value}`;

/** A header block with this context, and with a field of so many bytes before it. */
export function blockOf(context: Context, filler = 0): string {
  const more =
    filler === 0 ? '' : literal('x', 'y'.repeat(Math.min(filler, 120))).repeat(Math.ceil(filler / 120));
  return `\x82${more}${literal('traceparent', valueOf(context))}`;
}

const [END_STREAM, END_HEADERS, PADDED, PRIORITY] = [0x1, 0x4, 0x8, 0x20];

/** What every connection begins with. */
export const OPENING = PREFACE + frame(4, 0, 0, '\0\x02\0\0\0\0');

export function headersOf(stream: number, context: Context): string {
  return frame(1, END_HEADERS, stream, blockOf(context));
}

export function dataOf(stream: number, bytes: number): string {
  return frame(0, END_STREAM, stream, 'd'.repeat(bytes));
}

/** The same with padding, a priority, and the block in so many frames, the last of which is empty. */
export function longHeadersOf(stream: number, context: Context, filler: number, frames: number): string {
  const block = blockOf(context, filler);
  const size = Math.ceil(block.length / (frames - 1));
  const parts = Array.from({ length: frames }, (_, i) => block.slice(i * size, (i + 1) * size));
  return parts
    .map((part, i) => {
      if (i > 0) return frame(9, i === frames - 1 ? END_HEADERS : 0, stream, part);
      return frame(1, PADDED | PRIORITY, stream, `\x05\0\0\0\0\x10${part}\0\0\0\0\0`);
    })
    .join('');
}

export const ping = (): string => frame(6, 0, 0, '12345678');
