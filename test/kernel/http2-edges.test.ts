/** HTTP/2 as no usual client writes it: cut anywhere, in many buffers, and what only looks like it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { newContext, type Context } from '../support/traceparent.ts';
import type { Stage } from './rig/conversation.ts';
import { Dice } from './rig/dice.ts';
import { dataOf, frame, headersOf, longHeadersOf, OPENING, ping, PREFACE } from './rig/http2-frames.ts';
import { Http2Wire } from './rig/http2-wire.ts';
import { openStage } from './rig/stage.ts';

const BURST = 8;

describe('frames of HTTP/2', () => {
  const cleanup = new Cleanup();
  let stage: Stage;
  let wire: Http2Wire;
  before(async () => {
    stage = await openStage(cleanup, { http2: true, hook: false, threadContext: false });
    wire = new Http2Wire(stage);
  });
  after(() => cleanup.run());

  const count = (reason: Parameters<Stage['watcher']['count']>[1]): number =>
    stage.watcher.count('PROBE_HTTP2', reason);

  test('cut at every byte: each piece is of its stream', async () => {
    const [a, b] = [newContext(), newContext()];
    const text = OPENING + headersOf(1, a) + dataOf(1, 30) + ping() + headersOf(3, b) + dataOf(3, 10);
    for (let at = 1; at < text.length; at += 17) {
      if (at < 8) continue; // what begins with less is not taken for HTTP/2
      const c = await wire.open(text.slice(0, at));
      await c.write([text.slice(at, at + 1), text.slice(at + 1, at + 5), text.slice(at + 5)]);
      await c.settle();
      await wire.lose(c, dataOf(3, 50), dataOf(1, 50), ping(), ping() + dataOf(3, 1));
      assert.deepEqual(wire.spans(c), [b.spanId, a.spanId, undefined, b.spanId], `cut at ${String(at)}`);
      await c.close();
    }
  });

  test('a segment of several streams is of the first one that owns a byte of it', async () => {
    const [a, b] = [newContext(), newContext()];
    const c = await wire.open(OPENING + headersOf(1, a) + headersOf(3, b));
    await wire.lose(
      c,
      dataOf(3, 20) + dataOf(1, 20),
      ping() + dataOf(1, 20) + dataOf(3, 20),
      frame(8, 0, 3, '\0\0\0\x01'),
    );
    assert.deepEqual(wire.spans(c), [b.spanId, a.spanId, b.spanId]);
    await c.close();
  });

  test('a stream without a context has none, nor has what comes behind it in its segment', async () => {
    const a = newContext();
    const c = await wire.open(OPENING + headersOf(1, a) + frame(1, 4, 3, '\x82'));
    await wire.lose(c, dataOf(3, 20) + dataOf(1, 20));
    assert.deepEqual(wire.spans(c), [undefined]);
    await c.close();
  });

  test('a header block in many frames, with padding and priority, longer than a piece', async () => {
    const a = newContext();
    const c = await wire.open(OPENING);
    await wire.lose(c, longHeadersOf(1, a, 3_000, 5));
    await wire.lose(c, dataOf(1, 700));
    const found = wire.spans(c);
    assert.ok(found.length >= 4, String(found.length));
    assert.deepEqual(new Set(found), new Set([a.spanId]));
    await c.close();
  });

  test('frames in many buffers of one write', async () => {
    const contexts = Array.from({ length: BURST }, () => newContext());
    const c = await wire.open(OPENING);
    const buffers = contexts.flatMap((context, i) => {
      const text = headersOf(2 * i + 1, context) + dataOf(2 * i + 1, 5);
      return [text.slice(0, 4), text.slice(4, 30), '', text.slice(30)];
    });
    await c.write(buffers);
    await c.settle();
    await wire.lose(c, ...contexts.map((_, i) => dataOf(2 * i + 1, 9)));
    assert.deepEqual(
      wire.spans(c),
      contexts.map(({ spanId }) => spanId),
    );
    await c.close();
  });

  const refused: Readonly<Record<string, string>> = {
    'no SETTINGS first': PREFACE + headersOf(1, newContext()),
    'an acknowledgement first': PREFACE + frame(4, 1, 0),
    'another preface': `PRI * HTTP/2.0\r\n\r\nSM\r\n\n\n${frame(4, 0, 0)}`,
    'CONTINUATION of no block': OPENING + frame(9, 4, 1),
    'a frame within a block': OPENING + frame(1, 0, 1, '\x82') + dataOf(1, 1),
    'CONTINUATION of another stream': OPENING + frame(1, 0, 1, '\x82') + frame(9, 4, 3),
    'a server’s frame': OPENING + frame(5, 4, 1, '\0\0\0\x02'),
    'a server’s stream': OPENING + frame(0, 0, 2, 'x'),
    'DATA of no stream': OPENING + frame(0, 0, 0, 'x'),
    'PING of a stream': OPENING + frame(6, 0, 1, '12345678'),
    'PING of 7 bytes': OPENING + frame(6, 0, 0, '1234567'),
    'SETTINGS of 5 bytes': OPENING + frame(4, 0, 0, '12345'),
    'RST_STREAM of 5 bytes': OPENING + frame(3, 0, 1, '12345'),
    'PRIORITY of 4 bytes': OPENING + frame(2, 0, 1, '1234'),
    'WINDOW_UPDATE of 3 bytes': OPENING + frame(8, 0, 1, '123'),
    'GOAWAY of 7 bytes': OPENING + frame(7, 0, 0, '1234567'),
  };
  for (const [name, bytes] of Object.entries(refused))
    test(`${name}: the connection is given up and counted`, async () => {
      const before = count('MISS_FRAMING');
      const c = await wire.open(bytes);
      assert.equal(count('MISS_FRAMING'), before + 1);
      await wire.lose(c, headersOf(5, newContext()) + dataOf(5, 40));
      assert.deepEqual(wire.spans(c), [undefined]);
      assert.equal(count('MISS_FRAMING'), before + 1, 'once a connection');
      await c.close();
    });

  test('random bytes after the preface never have a context', async () => {
    const dice = new Dice(56);
    for (let round = 0; round < 12; round += 1) {
      const noise = Array.from({ length: 900 }, () => String.fromCharCode(dice.below(256))).join('');
      const c = await wire.open(OPENING + noise);
      await wire.lose(c, noise, headersOf(1, newContext()));
      assert.deepEqual(new Set(wire.spans(c)), new Set([undefined]));
      await c.close();
    }
  });

  test('more frames than are followed in a write: the connection is given up and counted', async () => {
    const a = newContext();
    const before = count('MISS_HEAD_TOO_LONG');
    const c = await wire.open(OPENING + headersOf(1, a));
    await c.write(dataOf(1, 1).repeat(600));
    await c.settle();
    assert.equal(count('MISS_HEAD_TOO_LONG'), before + 1);
    await wire.lose(c, headersOf(3, newContext()) + dataOf(3, 4));
    assert.deepEqual(wire.spans(c), [undefined]);
    await c.close();
  });

  test('of more frames than are remembered the oldest are nobody’s, which is counted', async () => {
    const a: Context = newContext();
    const c = await wire.open(OPENING + headersOf(1, a));
    const before = count('MISS_FORGOTTEN');
    await wire.lose(c, dataOf(1, 1).repeat(300));
    assert.ok(
      wire.spans(c).includes(undefined) && wire.spans(c).includes(a.spanId),
      JSON.stringify(wire.spans(c)),
    );
    assert.ok(count('MISS_FORGOTTEN') > before);
    await c.close();
  });
});
