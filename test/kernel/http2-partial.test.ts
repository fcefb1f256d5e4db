/** HTTP/2 of which the kernel takes a part of a write, or nothing: what is behind it is written again. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { newContext, valueOf } from '../support/traceparent.ts';
import type { Conversation, Stage } from './rig/conversation.ts';
import { dataOf, frame, headersOf, longHeadersOf, OPENING, ping } from './rig/http2-frames.ts';
import { Http2Wire } from './rig/http2-wire.ts';
import { openStage } from './rig/stage.ts';

/** A header block with `traceparent` as a literal that the table keeps: RFC 7541 section 6.2.1. */
const kept = (value: string): string => `\x82\x40\x0btraceparent${String.fromCharCode(value.length)}${value}`;
/** `traceparent` of the table: its third newest entry. */
const THIRD_NEWEST = '\x82\xc0';

describe('HTTP/2 that is taken in part', () => {
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

  /** Tries to write this; how much the kernel took. 0: nothing, since its buffer is full. */
  async function attempt(c: Conversation, text: string): Promise<number> {
    const bytes = Buffer.from(text, 'latin1').toString('hex');
    const taken = await stage.script.run('try', c.client, bytes).catch(() => 0);
    c.noteWritten(taken);
    return taken;
  }

  /** From now on nothing arrives, so what is written stays in the buffer, which is small. */
  async function hold(c: Conversation): Promise<void> {
    await stage.script.run('buffers', c.client, 4_608, 4_608);
    c.lose();
  }

  /** What was held arrives. */
  async function release(c: Conversation): Promise<void> {
    stage.dropper.rest();
    await c.settle();
  }

  /** One attempt while nothing arrives; how much of it was taken. */
  async function tryLost(c: Conversation, text: string): Promise<number> {
    await hold(c);
    const taken = await attempt(c, text);
    assert.ok(taken > 0 && taken < text.length, String(taken));
    await release(c);
    return taken;
  }

  /** How much that is, of the first write behind these. */
  async function roomBehind(first: string): Promise<number> {
    const c = await wire.open(first);
    const room = await tryLost(c, dataOf(1, 400_000));
    await c.close();
    return room;
  }

  test('a write that is taken in part goes on where it was cut, in the head of a frame too', async () => {
    const [a, b] = [newContext(), newContext()];
    const opening = OPENING + headersOf(1, a);
    const room = await roomBehind(opening);
    for (let into = 0; into <= 9; into += 1) {
      const c = await wire.open(opening);
      const text = dataOf(1, room - into - 9) + ping() + dataOf(1, 100_000) + headersOf(3, b);
      assert.equal(await tryLost(c, text), room);
      await c.write(text.slice(room));
      await c.settle();
      await wire.lose(c, dataOf(3, 50), dataOf(1, 50));
      assert.deepEqual(wire.spans(c).slice(-2), [b.spanId, a.spanId], `${String(into)} bytes into a head`);
      await c.close();
    }
  });

  test('a header block that is taken in part is decoded once', async () => {
    const [a, b] = [newContext(), newContext()];
    const opening = OPENING + headersOf(1, a);
    const room = await roomBehind(opening);
    for (const into of [20, 1_000, 2_500]) {
      const c = await wire.open(opening);
      const text = dataOf(1, room - into - 9) + longHeadersOf(3, b, 3_500, 4) + dataOf(3, 100_000);
      assert.equal(await tryLost(c, text), room);
      await c.write(text.slice(room));
      await c.settle();
      await wire.lose(c, dataOf(3, 50), dataOf(1, 50));
      assert.deepEqual(wire.spans(c).slice(-2), [b.spanId, a.spanId], `${String(into)} bytes into it`);
      await c.close();
    }
  });

  test('a write of which nothing is taken is written again', async () => {
    const [a, b] = [newContext(), newContext()];
    const c = await wire.open(OPENING + headersOf(1, a));
    const text = dataOf(1, 130_000) + headersOf(3, b);
    let [at, vain] = [0, 0];
    await hold(c);
    for (let turn = 0; turn < 100 && vain === 0; turn += 1) {
      const taken = await attempt(c, text.slice(at));
      at += taken;
      vain += Number(taken === 0);
    }
    assert.ok(vain > 0 && at < text.length, `${String(vain)} in vain, ${String(at)} taken`);
    await release(c);
    await c.write(text.slice(at));
    await c.settle();
    await wire.lose(c, dataOf(3, 50), dataOf(1, 50));
    assert.deepEqual(wire.spans(c).slice(-2), [b.spanId, a.spanId]);
    await c.close();
  });

  test('other frames than those whose header blocks are known already: the connection is given up', async () => {
    const before = count('MISS_FRAMING');
    const c = await wire.open(OPENING);
    const data = dataOf(1, 130_000);
    const taken = await tryLost(c, data + headersOf(3, newContext()));
    await c.write(data.slice(taken) + headersOf(5, newContext()));
    await c.settle();
    assert.equal(count('MISS_FRAMING'), before + 1);
    await wire.lose(c, dataOf(3, 50), dataOf(5, 50));
    assert.deepEqual(wire.spans(c).slice(-2), [undefined, undefined]);
    await c.close();
  });

  test('the head of a CONTINUATION that is cut goes on with its block', async () => {
    const [a, b] = [newContext(), newContext()];
    const opening = OPENING + headersOf(1, a);
    const room = await roomBehind(opening);
    const block = longHeadersOf(3, b, 3_500, 4);
    const first = 9 + Buffer.from(block, 'latin1').readUIntBE(0, 3);
    const c = await wire.open(opening);
    const text = dataOf(1, room - first - 4 - 9) + block + dataOf(3, 100_000);
    assert.equal(await tryLost(c, text), room);
    await c.write(text.slice(room));
    await c.settle();
    await wire.lose(c, dataOf(3, 50), dataOf(1, 50));
    assert.deepEqual(wire.spans(c).slice(-2), [b.spanId, a.spanId]);
    await c.close();
  });

  test('header blocks that are written again are decoded once', async () => {
    const [a, b, d] = [newContext(), newContext(), newContext()];
    const c = await wire.open(OPENING + frame(1, 4, 1, kept(valueOf(a))));
    const blocks = frame(1, 4, 3, kept(valueOf(b))) + frame(1, 4, 5, kept(valueOf(d)));
    const text = dataOf(1, 130_000) + blocks;
    const taken = await tryLost(c, text);
    await c.write(text.slice(taken) + frame(1, 4, 7, THIRD_NEWEST));
    await c.settle();
    await wire.lose(c, dataOf(5, 50), dataOf(7, 50));
    assert.deepEqual(wire.spans(c).slice(-2), [d.spanId, a.spanId]);
    await c.close();
  });

  test('of a segment whose first frame was forgotten since, the second is not taken for it', async () => {
    const [a, b] = [newContext(), newContext()];
    const opening = OPENING + headersOf(1, a) + headersOf(3, b);
    const room = await roomBehind(opening);
    const c = await wire.open(opening);
    // Marks that the second half overwrites, and some that it does not.
    const [forgotten, known] = [dataOf(1, 20).repeat(145), dataOf(3, 20).repeat(55)];
    const small = forgotten + known;
    const text = small + dataOf(1, room - small.length + 50_000) + dataOf(1, 1).repeat(200);
    await hold(c);
    assert.equal(await attempt(c, text), room);
    // Only a byte of the rest is written again: the second half is not followed any more when the loss is told.
    await stage.script.run('buffers', c.client, 400_000, 4_608);
    assert.equal(await attempt(c, text.slice(room, room + 1)), 1);
    await release(c);
    const places = wire.resent(c);
    const start = places[0]?.[0] ?? assert.fail('nothing was lost');
    const spansFrom = (from: number, to: number): Set<string | undefined> =>
      new Set(places.filter(([seq]) => seq - start >= from && seq - start < to).map(([, span]) => span));
    assert.deepEqual(spansFrom(0, forgotten.length), new Set([undefined]));
    assert.deepEqual(spansFrom(forgotten.length, small.length), new Set([b.spanId]));
    await c.close();
  });
});
