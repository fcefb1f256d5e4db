/** Requests whose heads come in several writes and buffers are linked as those that are written whole. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { hex, TcpScript } from '../support/script.ts';
import { head, newContext, padding, requestOf, valueOf, type Context } from '../support/traceparent.ts';
import { ALL_SIGNALS } from '../support/watcher.ts';
import { Asker, assertWithin, type Span } from './rig/asker.ts';
import { Conversation, OPAQUE, plain, untilSeen, type Stage } from './rig/conversation.ts';
import { answerOf } from './rig/service.ts';
import { cut, GIVEN_UP, half, LINKED, rest, whole, type Writes } from './rig/split-writes.ts';
import { openStage } from './rig/stage.ts';
import { WRITE_VARIANTS } from './rig/write-variants.ts';

const ATTEMPTS = 4;
const SMALL_MSS = 100;
/** Some of them find no room at once. */
const SPLIT_REQUESTS = 40;
/** As many as are held at once, and some more. */
const [HELD_HEADS, HALF_HEADS] = [256, 311];

const spans = (c: Conversation): Set<string | undefined> =>
  new Set(c.lostContexts().map((context) => context?.spanId));

for (const { name: variant, refused, skip } of WRITE_VARIANTS)
  describe(`heads in parts, writes by ${variant}`, { skip }, () => {
    const cleanup = new Cleanup();
    let stage: Stage;

    before(async () => {
      const { emit } = ALL_SIGNALS;
      stage = await openStage(cleanup, { emit: { ...emit, exchange: 'on' } }, refused);
    });
    after(() => cleanup.run());

    /** Where a kprobe meets the writes there are none. */
    const hasExchanges = refused.length === 0;
    const counts = (): number[] =>
      (['HIT_HEADER', 'MISS_FRAMING', 'MISS_HEAD_TOO_LONG', 'MISS_UNREADABLE', 'MISS_BUSY'] as const).map(
        (reason) => stage.watcher.count('PROBE_REQUEST', reason),
      );

    /** What is counted meanwhile: heads that were taken, and what was not followed. */
    async function counted(play: () => Promise<unknown>): Promise<{ hits: number; misses: number }> {
      const before = counts();
      await play();
      const [hits = 0, ...misses] = counts().map((count, i) => count - (before[i] ?? 0));
      return { hits, misses: misses.reduce((sum, count) => sum + count) };
    }

    /** Requests of other programs are counted in the same place: another try tells them apart. */
    async function check(
      play: () => Promise<unknown>,
      isRight: (hits: number, misses: number) => boolean,
    ): Promise<void> {
      for (let attempt = 1; ; attempt += 1) {
        const { hits, misses } = await counted(play);
        if (isRight(hits, misses)) return;
        assert.ok(attempt < ATTEMPTS, `${hits} hits, ${misses} misses`);
      }
    }

    async function write(writes: Writes): Promise<Conversation> {
      const c = await Conversation.openSilent(stage);
      for (const bytes of writes) await c.write(bytes);
      return c;
    }

    async function end(c: Conversation): Promise<void> {
      await stage.script.run('reset', c.client);
      await stage.script.run('close', c.server);
    }

    const send = async (writes: Writes): Promise<void> => end(await write(writes));

    for (const [name, [expected, writes]] of Object.entries(LINKED))
      test(name, () =>
        check(
          () => send([...writes, whole]),
          (hits, misses) => hits === expected + 1 && misses === 0,
        ),
      );

    for (const [name, writes] of Object.entries(GIVEN_UP))
      test(`given up: ${name}`, async () => {
        const open: Conversation[] = [];
        await check(
          async () => open.push(await write([...writes, whole])),
          // At once, not when the connection ends.
          (hits, misses) => hits === Number(name.endsWith('behind a head')) && misses > 0,
        );
        for (const c of open) await end(c);
      });

    /** Asks and answers each on one connection; what is told of them then. */
    async function exchanged(requests: readonly (readonly string[])[]) {
      const asker = await Asker.open(stage);
      const spans: Span[] = [];
      const { hits, misses } = await counted(async () => {
        for (const pieces of requests) {
          spans.push(await asker.ask(pieces));
          await asker.answer(answerOf());
        }
      });
      await asker.close();
      // A machine that is slow has them told when the answer begins, too.
      const told = (await asker.ended()).filter(({ what }) => what !== 'answered');
      return { hits, misses, spans, told };
    }

    test('cut at every byte: each exchange is of its own request, from its first byte on', async () => {
      const contexts: Context[] = [];
      const requests = Array.from(whole, (_, at) => {
        const context = newContext();
        contexts.push(context);
        return cut(requestOf(context), at);
      });
      const { hits, misses, spans, told } = await exchanged(requests);
      assert.ok(hits >= requests.length && misses === 0, `${hits} hits, ${misses} misses`);
      assert.deepEqual(
        told.map(({ context }) => plain(context)),
        hasExchanges ? contexts : [],
      );
      for (const [i, record] of told.entries()) {
        assert.equal(Number(record.bytesSent), whole.length);
        assert.equal(Number(record.bytesReceived), answerOf().length);
        assertWithin(record.context?.requestStartNs ?? 0n, spans[i] ?? [0n, 0n], 'its first byte');
      }
    });

    test('a part behind the request before it: no response is told of either', async () => {
      const [one, b, c] = [newContext(), newContext(), newContext()];
      const [first = '', second = ''] = cut(requestOf(b), 50);
      const asker = await Asker.open(stage);
      await asker.ask([requestOf(one) + first, second]);
      await asker.answer(answerOf() + answerOf());
      await asker.ask([requestOf(c)]);
      await asker.answer(answerOf());
      await asker.close();
      const told = (await asker.ended()).filter(({ what }) => what !== 'answered');
      assert.deepEqual(
        told.map(({ context, bytesReceived }) => [context?.spanId, Number(bytesReceived)]),
        hasExchanges ? [one, b, c].map(({ spanId }) => [spanId, 0]) : [],
      );
    });

    test('what is lost of each part is of its request, and the next of its own', async () => {
      const contexts = [newContext(), newContext(), newContext()];
      const c = await untilSeen(async () => {
        const c = await Conversation.open(stage, { mss: SMALL_MSS });
        const [one, two, three] = contexts as [Context, Context, Context];
        const [[first = '', second = '', third = ''], [fourth = '', fifth = '']] = [
          cut(requestOf(one), 1, 60),
          cut(requestOf(two), 30),
        ];
        c.lose();
        // At once, so that nothing is sent again before its head is whole.
        const writes = [[hex(first)], [...second].map(hex), [hex(third + fourth)], [hex(fifth)]];
        await Promise.all(writes.map((buffers) => stage.script.run('write', c.client, ...buffers)));
        c.noteWritten(requestOf(one).length, one);
        c.noteWritten(requestOf(two).length, two);
        await c.write(requestOf(three), three);
        await c.settle();
        return c;
      });
      assert.deepEqual(spans(c), new Set(contexts.map(({ spanId }) => spanId)));
    });

    test('the handshake is of the request that the connection was opened for', async () => {
      const { script, watcher, room, port, listener } = stage;
      for (let attempt = 1; ; attempt += 1) {
        const context = newContext();
        const [first = '', second = ''] = cut(requestOf(context), 33);
        const [client, server] = [script.next(), script.next()];
        await script.run('socket', client);
        const localPort = await script.run('request', client, port, hex(first), hex(second));
        await script.run('accept', server, listener);
        await script.run('reset', client);
        await script.run('close', server);
        const handshake = watcher
          .connections(room.inode, localPort, port)
          .find(({ kind }) => kind === 'handshake');
        if (handshake !== undefined) {
          assert.deepEqual(plain(handshake.context), context);
          return;
        }
        assert.ok(attempt < ATTEMPTS, 'the handshake is on no trace');
      }
    });

    test('never finished: counted when its connection ends, and once', () =>
      check(
        () => send([half]),
        (hits, misses) => hits === 0 && misses === 1,
      ));

    test('a part that no program can read: given up', () =>
      check(
        async () => {
          const c = await Conversation.openSilent(stage);
          const [first = '', second = '', third = ''] = cut(whole, 40, 60);
          await c.write(first);
          await stage.script.run('sendfile', c.client, hex(second));
          await c.write(third);
          await c.write(whole);
          await end(c);
        },
        (hits, misses) => hits === 0 && misses > 0,
      ));

    test('short writes that are no requests are not counted', () =>
      check(
        () => send([OPAQUE, 'G', 'GET ', 'POST x\r\n']),
        (hits, misses) => hits === 0 && misses === 0,
      ));

    test('parts that the kernel takes in part, or not at all', async () => {
      const narrow = { ...stage, ...(await stage.script.listen()) };
      await stage.script.run('buffers', narrow.listener, 4_608, 2_304);
      const taken = { partly: 0, none: 0 };
      for (const [mss, size] of [
        [0, 700],
        [SMALL_MSS, 1_700],
      ] as const) {
        const c = await Conversation.open(narrow, { mss });
        await stage.script.run('buffers', c.client, 4_608, 2_304);
        const last = newContext();
        const { hits, misses } = await counted(async () => {
          for (let i = 0; i < SPLIT_REQUESTS; i += 1) await writeAsTaken(c, size, taken);
          await c.settle();
          c.lose();
          await c.write(requestOf(last), last);
        });
        await c.settle();
        assert.ok(hits > SPLIT_REQUESTS && misses === 0, `${hits} hits, ${misses} misses`);
        assert.deepEqual(spans(c), new Set([last.spanId]));
        await c.close();
      }
      assert.ok(taken.partly > 2, JSON.stringify(taken));
    });

    /** One request in parts of this size, of each as much as finds room at once. */
    async function writeAsTaken(
      c: Conversation,
      size: number,
      counted: { partly: number; none: number },
    ): Promise<void> {
      const context = newContext();
      const text = head([padding(3_300), `traceparent: ${valueOf(context)}`]);
      for (let at = 0; at < text.length;) {
        const piece = text.slice(at, at + size);
        const taken = await stage.script.run('try', c.client, hex(piece)).catch(() => 0);
        c.noteWritten(taken, context);
        at += taken;
        if (taken === piece.length) continue;
        counted[taken === 0 ? 'none' : 'partly'] += 1;
        await c.settle();
      }
    }

    test('who has many half heads takes the place of its own, and of nobody else’s', async () => {
      const quiet = TcpScript.start(stage.room);
      cleanup.add(() => quiet.stop());
      const one = newContext();
      const before = await Conversation.openSilent({ ...stage, ...(await quiet.listen()), script: quiet });
      const [first = '', second = ''] = cut(requestOf(one), 40);
      await before.write(first, one);
      const open: Conversation[] = [];
      for (let i = 0; i < HALF_HEADS; i += 1) {
        open.push(await Conversation.openSilent(stage));
        await open.at(-1)?.write(half);
      }
      const later = await Conversation.openSilent({ ...stage, ...(await quiet.listen()), script: quiet });
      await later.write(half);
      const own = await counted(async () => {
        before.lose();
        await before.write(second, one);
        await later.write(rest);
      });
      await before.settle();
      const noisy = await counted(async () => {
        for (const c of open) {
          await c.write(rest);
          await end(c);
        }
      });
      assert.deepEqual([own.hits, own.misses], [2, 0]);
      assert.deepEqual(new Set(before.lostContexts()), new Set([one]));
      assert.equal(noisy.hits + noisy.misses, HALF_HEADS);
      assert.equal(noisy.hits, HELD_HEADS - 2);
    });
  });
