/** Heads of requests in writes and buffers that are cut in the midst of them. */
import {
  chunk,
  chunkedHead,
  head,
  lastChunk,
  newContext,
  padding,
  requestOf,
  valueOf,
} from '../../support/traceparent.ts';
import { OPAQUE } from './conversation.ts';

export type Writes = readonly (string | readonly string[])[];

/** Each piece of a text that is cut at these places. */
export function cut(text: string, ...places: readonly number[]): string[] {
  return [0, ...places].map((from, i) => text.slice(from, places[i])).filter((piece) => piece !== '');
}

const a = newContext();
/** A request, and both parts of it. */
export const whole = requestOf(a);
const post = head([`traceparent: ${valueOf(a)}`, 'Content-Length: 5'], 'POST / HTTP/1.1');
const long = head([`traceparent: ${valueOf(a)}`, padding(3_000)]);
export const [half, rest] = cut(whole, 40) as [string, string];

/** Requests with a context in the writes, another of which follows. */
export const LINKED: Readonly<Record<string, readonly [hits: number, writes: Writes]>> = {
  'each byte alone': [1, [...whole]],
  'each byte in a buffer': [1, [[...whole]]],
  'each byte of the second write in a buffer': [1, [half, [...rest]]],
  'buffers, the first of them empty in the second write': [1, [half, ['', rest]]],
  'the body in the last write': [1, [...cut(post + 'hello', 60)]],
  'the body in the last write, and after it': [1, [...cut(post + 'hello', 60, post.length + 2)]],
  'the body in another buffer': [1, [cut(post, 60)[0] ?? '', [cut(post, 60)[1] ?? '', 'hel', 'lo']]],
  'the next request in the last write': [2, cut(whole + whole, 40)],
  'parts of two in one write': [2, cut(whole + whole, 40, whole.length + 30)],
  'a whole one and part of the next': [2, cut(whole + whole, whole.length + 30)],
  'a body and part of the next': [2, cut(post + 'hello' + whole, post.length + 20)],
  'six in three writes that are cut anywhere': [6, cut(whole.repeat(6), 300, 555)],
  'a chunked body in the last write': [
    1,
    cut(chunkedHead(a) + chunk('hello') + lastChunk(), 70, chunkedHead(a).length + 3),
  ],
  'a chunked body, all of it in many buffers': [
    1,
    [[...chunkedHead(a).match(/[^]{1,7}/g)!, '5\r', '\nhel', 'lo\r\n0\r\n', '\r\n']],
  ],
  'a long one in writes of 50 bytes': [1, long.match(/[^]{1,50}/g)!],
};

/** None of the writes has a whole request, and the next one after them is not read. */
export const GIVEN_UP: Readonly<Record<string, Writes>> = {
  'one that is too long': [...cut(head([padding(4_100), `traceparent: ${valueOf(a)}`]), 60)],
  'too long for a window in two': [head([padding(3_000)]).slice(0, -2), padding(1_500)],
  'a word that is no method': ['GE', 'TS / HTTP/1.1\r\n'],
  'a line that is not of HTTP/1': ['GET key', '\r\n'],
  'a request of HTTP/0.9 in one write': ['GET /some/thing\r\n'],
  'something else behind a head': [...cut(whole, 40), OPAQUE],
};
