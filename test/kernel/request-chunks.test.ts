/** Bodies in chunks are followed to their end, or the connection is given up: each case on a connection of its own. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { Conversation, untilSeen, type Stage } from './rig/conversation.ts';
import { openStage } from './rig/stage.ts';
import { hex } from '../support/script.ts';
import {
  chunk,
  chunkedHead,
  head,
  lastChunk,
  newContext,
  padding,
  requestOf,
  valueOf,
  type Context,
} from '../support/traceparent.ts';
import { WRITE_VARIANTS } from './rig/write-variants.ts';

const ATTEMPTS = 4;
/** Smaller than a request: neighbours are not merged into one segment when they are sent again. */
const SMALL_MSS = 100;

const a = newContext();
const stranger = requestOf(newContext());
const start = chunkedHead(a);
const traceparent = `traceparent: ${valueOf(a)}`;

/** The writes before the next request, each of one or several buffers. */
type Writes = readonly (string | readonly string[])[];

const FOLLOWED: Readonly<Record<string, Writes>> = {
  'one chunk': [start, chunk('hello'), lastChunk()],
  'all in one write': [start + chunk('hello') + chunk('x'.repeat(300)) + lastChunk()],
  'buffers as Node writes them': [
    [start, '5', '\r\n', 'hello', '\r\n'],
    ['12c', '\r\n', 'x'.repeat(300), '\r\n'],
    '0\r\n\r\n',
  ],
  'an empty buffer among them': [[start, '5\r\n', '', 'hello', '', '\r\n'], lastChunk()],
  'no chunk but the last': [start, lastChunk()],
  'sizes in upper and lower case, and with zeros before': [
    start,
    `1aB\r\n${'x'.repeat(0x1ab)}\r\n000000000000001\r\nx\r\n0000\r\n\r\n`,
  ],
  'each kind of extension': [
    start,
    chunk('hello', ';a'),
    chunk('hello', ' ; a = b\t; c="d;\\"\\\\ e\r"'.replace('\r', '')),
    chunk('hello', ';a=b;c;d=""'),
    '0;last=1\r\n\r\n',
  ],
  trailers: [
    start,
    chunk('hello'),
    lastChunk(['a: b', `Traceparent: ${valueOf(newContext())}`, 'c:', 'd:\te"\\']),
  ],
  'coding and name in any case': [
    head([traceparent, 'TRANSFER-ENCODING:\tChunked '], 'POST / HTTP/1.1'),
    lastChunk(),
  ],
  'a chunk that is a request': [start, chunk(stranger), lastChunk()],
  'a chunk whose own write is a request': [
    start,
    `${stranger.length.toString(16)}\r\n`,
    stranger,
    '\r\n',
    lastChunk(),
  ],
  'data that looks like framing': [start, chunk('\r\n0\r\n\r\n'), lastChunk()],
  'a request before it in the same write': [head([]) + start + chunk('hello') + lastChunk()],
  'many chunks in one write': [start, chunk('x'.repeat(9)).repeat(500), lastChunk()],
};

const GIVEN_UP: Readonly<Record<string, Writes>> = {
  'a size of 16 digits': [start, '0000000000000005\r\nhello\r\n', lastChunk()],
  'no size': [start, '\r\nhello\r\n', lastChunk()],
  'a size that is no number': [start, 'g\r\nhello\r\n', lastChunk()],
  'a size with a prefix': [start, '0x5\r\nhello\r\n', lastChunk()],
  'a blank before a size': [start, ' 5\r\nhello\r\n', lastChunk()],
  'a blank after a size': [start, '5 \r\nhello\r\n', lastChunk()],
  'a line feed alone after a size': [start, '5\nhello\r\n', lastChunk()],
  'a line feed alone after data': [start, '5\r\nhello\n', lastChunk()],
  'a carriage return alone': [start, '5\rhello\r\n', lastChunk()],
  'data longer than said': [start, '4\r\nhello\r\n', lastChunk()],
  'data shorter than said': [start, '6\r\nhello\r\n', lastChunk()],
  'an extension without a name': [start, '5;\r\nhello\r\n', lastChunk()],
  'an extension without its value': [start, '5;a=\r\nhello\r\n', lastChunk()],
  'a text without its end': [start, '5;a="b\r\nhello\r\n', lastChunk()],
  'a control character in an extension': [start, '5;a="\x01"\r\nhello\r\n', lastChunk()],
  'a line feed in an extension': [start, '5;a\n\r\nhello\r\n', lastChunk()],
  'a size line that is too long': [start, `5;${'a'.repeat(4_200)}\r\nhello\r\n`, lastChunk()],
  'a trailer without a name': [start, lastChunk([': b'])],
  'a trailer that is folded': [start, lastChunk(['a: b', ' c'])],
  'a trailer with a blank before its colon': [start, lastChunk(['a : b'])],
  'trailers that are too long': [start, lastChunk(Array<string>(50).fill(`a: ${'b'.repeat(90)}`))],
  'more behind the last chunk': [start, lastChunk() + stranger],
  'more framing in one write than is read': [start, chunk('x').repeat(6_000), lastChunk()],
  'both ways to say where the body ends': [
    head([traceparent, 'Transfer-Encoding: chunked', 'Content-Length: 5'], 'POST / HTTP/1.1'),
    lastChunk(),
  ],
  'the other order': [
    head([traceparent, 'Content-Length: 5', 'Transfer-Encoding: chunked'], 'POST / HTTP/1.1'),
    lastChunk(),
  ],
  'another coding': [head([traceparent, 'Transfer-Encoding: gzip'], 'POST / HTTP/1.1'), lastChunk()],
  'a coding before it': [
    head([traceparent, 'Transfer-Encoding: gzip, chunked'], 'POST / HTTP/1.1'),
    lastChunk(),
  ],
  'a coding after it': [
    head([traceparent, 'Transfer-Encoding: chunked, gzip'], 'POST / HTTP/1.1'),
    lastChunk(),
  ],
  'said twice': [chunkedHead(a, ['Transfer-Encoding: chunked']), lastChunk()],
  'a folded coding': [chunkedHead(a).replace('chunked\r\n', 'chunked\r\n ,gzip\r\n'), lastChunk()],
  'a name that only begins so': [
    head([traceparent, 'Transfer-Encodings: chunked'], 'POST / HTTP/1.1'),
    lastChunk(),
  ],
  'a blank before the colon': [
    head([traceparent, 'Transfer-Encoding : chunked'], 'POST / HTTP/1.1'),
    lastChunk(),
  ],
  'HTTP/1.0': [start.replace('HTTP/1.1', 'HTTP/1.0'), lastChunk()],
  'HTTP/1.0, behind a request of 1.1 in the same write': [
    head([]) + start.replace('HTTP/1.1', 'HTTP/1.0') + lastChunk(),
  ],
};

for (const { name: variant, refused, skip } of WRITE_VARIANTS)
  describe(`bodies in chunks, writes by ${variant}`, { skip }, () => {
    const cleanup = new Cleanup();
    let stage: Stage;

    before(async () => {
      stage = await openStage(cleanup, {}, refused);
    });
    after(() => cleanup.run());

    const counts = (): number[] =>
      (['HIT_HEADER', 'MISS_FRAMING', 'MISS_HEAD_TOO_LONG', 'MISS_UNREADABLE'] as const).map((reason) =>
        stage.watcher.count('PROBE_REQUEST', reason),
      );

    /** Writes these and another request: how many heads were taken, and how often bytes were not followed. */
    async function send(writes: Writes): Promise<{ hits: number; misses: number }> {
      const before = counts();
      const c = await Conversation.openSilent(stage);
      for (const bytes of writes) await c.write(bytes);
      await c.write(requestOf(a));
      await stage.script.run('reset', c.client);
      await stage.script.run('close', c.server);
      const [hits = 0, ...misses] = counts().map((count, i) => count - (before[i] ?? 0));
      return { hits, misses: misses.reduce((sum, count) => sum + count) };
    }

    /** Requests of other programs are counted in the same place: another try tells them apart. */
    async function check(writes: Writes, isFollowed: boolean): Promise<void> {
      for (let attempt = 1; ; attempt += 1) {
        const { hits, misses } = await send(writes);
        const isRight = isFollowed ? hits === 2 && misses === 0 : hits === 1 && misses > 0;
        if (isRight) return;
        assert.ok(attempt < ATTEMPTS, `${hits} hits, ${misses} misses`);
      }
    }

    for (const [name, writes] of Object.entries(FOLLOWED))
      test(`followed: ${name}`, () => check(writes, true));
    for (const [name, writes] of Object.entries(GIVEN_UP))
      test(`given up: ${name}`, () => check(writes, false));

    test('the body split at any byte', async () => {
      const body = chunk('hello', ' ;a="b"') + chunk(stranger.slice(0, 10)) + lastChunk(['a: b']);
      for (let at = 0; at <= body.length; at += 1)
        await check(
          [start + body.slice(0, at), body.slice(at)].filter((part) => part !== ''),
          true,
        );
      await check([start, ...body], true);
    });

    test('its bytes are of the request, and those of the next of that one', async () => {
      const [one, b] = [newContext(), newContext()];
      const c = await untilSeen(async () => {
        const c = await Conversation.open(stage, { mss: SMALL_MSS });
        c.lose();
        await c.write([chunkedHead(one), chunk(stranger)], one);
        await c.write(chunk(stranger), one);
        await stage.script.run('write', c.client, hex(`${stranger.length.toString(16)}\r\n`));
        await stage.script.run('sendfile', c.client, hex(stranger));
        c.noteWritten(stranger.length + stranger.length.toString(16).length + 2, one);
        await c.write(`\r\n${lastChunk()}`, one);
        await c.write(requestOf(b), b);
        await c.settle();
        return c;
      });
      assert.deepEqual(spans(c), new Set([one.spanId, b.spanId]));
    });

    test('writes that the kernel takes in part, and in turns that begin where a buffer does', async () => {
      const [one, two, b] = [newContext(), newContext(), newContext()];
      const narrow = { ...stage, ...(await stage.script.listen()) };
      await stage.script.run('buffers', narrow.listener, 4_608, 2_304);
      const c = await untilSeen(async () => {
        const c = await Conversation.open(narrow, { mss: SMALL_MSS });
        await stage.script.run('buffers', c.client, 4_608, 2_304);
        await c.write(inParts(one), one);
        await c.settle();
        await c.write(`${chunkedHead(two)}1f40\r\n`, two);
        await writeAsTaken(c, 'x'.repeat(0x1f40), two);
        await c.write(`\r\n${lastChunk()}`, two);
        await c.settle();
        c.lose();
        await c.write(requestOf(b), b);
        await c.settle();
        return c;
      });
      assert.deepEqual(spans(c), new Set([b.spanId]));
    });

    /** Each time only what finds room at once. */
    async function writeAsTaken(c: Conversation, bytes: string, context: Context): Promise<void> {
      for (let at = 0; at < bytes.length;) {
        const taken = await stage.script.run('try', c.client, hex(bytes.slice(at)));
        c.noteWritten(taken, context);
        await c.settle();
        at += taken;
      }
    }
  });

const spans = (c: Conversation): Set<string | undefined> =>
  new Set(c.lostContexts().map((context) => context?.spanId));

/** A request with a body of chunks, in buffers of as many bytes as a segment has. */
function inParts(context: Context): string[] {
  const short = chunkedHead(context);
  const bytes =
    chunkedHead(context, [padding(2 * SMALL_MSS - short.length)]) + chunk('x'.repeat(2_500)) + lastChunk();
  const parts = [bytes.slice(0, 2 * SMALL_MSS)];
  for (let at = 2 * SMALL_MSS; at < bytes.length; at += SMALL_MSS)
    parts.push(bytes.slice(at, at + SMALL_MSS));
  return parts;
}
