/** What threads publish (OTEP 4947): whose bytes are sent again, whose handshakes and failures they are. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { announce, NONE } from '../support/announcement.ts';
import { hex, TcpScript } from '../support/script.ts';
import { publish, PUBLISHER, recordOf } from '../support/thread-context.ts';
import { clientHello } from './rig/client-hello.ts';
import { Conversation, OPAQUE, untilSeen, type Stage } from './rig/conversation.ts';
import { checkRandomStreams } from './rig/random-streams.ts';
import { openStage } from './rig/stage.ts';
import { beginToPublish } from './rig/thread-publisher.ts';
import { head, newContext, requestOf, type Context } from '../support/traceparent.ts';
import { WRITE_VARIANTS } from './rig/write-variants.ts';

type Reason = Parameters<Stage['watcher']['count']>[1];

const STEPS = 20;
const CONNECTIONS = 12;
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** Records that are no context, and why. */
const NO_RECORDS: readonly [string, () => string, Reason][] = [
  ['not valid', () => recordOf(newContext(), 0), 'MISS_NO_HEADER'],
  ['valid in a way that is reserved', () => recordOf(newContext(), 2), 'MISS_NO_HEADER'],
  ['not there', () => '-', 'MISS_NO_HEADER'],
  ['of no trace', () => recordOf(NONE), 'MISS_NO_HEADER'],
  ['of half a context', () => recordOf({ ...newContext(), spanId: NONE.spanId }), 'MISS_INVALID'],
  ['freed', () => 'gone', 'MISS_UNREADABLE'],
];
const MULTIPLEXED: readonly [string, string][] = [
  ["HTTP/2's preface", PREFACE],
  ['TLS that offers h2 alone', clientHello({ protocols: ['h2'] })],
  [
    'TLS that offers h2 at last, behind a long key',
    clientHello({ protocols: ['http/1.1', 'h2'], keyBytes: 1_200 }),
  ],
  ...[1, 4, 6, 8, 50, 100].map((bytes): [string, string] => [
    `a hello whose last ${bytes} bytes are not in the write`,
    clientHello({ protocols: ['h2'] }).slice(0, -bytes),
  ]),
  ['a tunnel', 'CONNECT example.test:443 HTTP/1.1\r\nHost: example.test\r\n\r\n'],
];
const ONE_BY_ONE: readonly [string, string][] = [
  ['TLS that offers nothing', clientHello({})],
  ['TLS that offers http/1.1', clientHello({ protocols: ['http/1.1'], keyBytes: 1_200 })],
  ['TLS that offers names like h2', clientHello({ protocols: ['h2c', 'h', '2h', 'postgresql'] })],
  ['a command of Redis', '*1\r\n$4\r\nPING\r\n'],
];

for (const { name, refused, skip } of WRITE_VARIANTS)
  describe(`thread contexts, writes by ${name}`, { skip }, () => {
    const cleanup = new Cleanup();
    let stage: Stage;

    before(async () => {
      const opened = await openStage(cleanup, {}, refused);
      const script = TcpScript.start(opened.room, { program: PUBLISHER });
      cleanup.add(() => script.stop());
      stage = { ...opened, script, ...(await script.listen()) };
      await beginToPublish(stage, script, '-');
    });
    after(() => cleanup.run());
    beforeEach(() => publish(stage.script, undefined));

    const say = (context: Context | undefined, valid = 1): Promise<void> =>
      publish(stage.script, context, valid);
    const scene = (play: (c: Conversation) => Promise<void>, mss = 0): Promise<Conversation> =>
      untilSeen(async () => {
        await say(undefined);
        stage.dropper.spareNew(stage.port);
        const c = await Conversation.openSilent(stage, { mss });
        c.lose();
        await play(c);
        await c.settle();
        return c;
      });
    const methods = (c: Conversation): Set<string | undefined> =>
      new Set(c.retransmits().map(({ record }) => record.context?.method));
    const count = (reason: Reason): number => stage.watcher.count('PROBE_THREAD', reason);

    test('each write is of what its thread publishes, its flags included, or of nobody', async () => {
      const [a, b] = [newContext(), newContext(0)];
      const c = await scene(async (c) => {
        for (const context of [a, b, undefined, a]) {
          await say(context);
          await c.write(OPAQUE, context);
          await c.settle();
        }
      });
      assert.deepEqual(c.lostContexts(), [a, b, undefined, a]);
      assert.deepEqual(methods(c), new Set(['thread_ctx', undefined]));
    });

    test('a late retransmission belongs to the earlier context', async () => {
      const [a, b] = [newContext(), newContext()];
      const c = await scene(async (c) => {
        await say(a);
        await c.write(OPAQUE, a);
        c.spare();
        await say(b);
        await c.write(OPAQUE, b);
      });
      assert.deepEqual(c.lostContexts(), [a]);
    });

    for (const [what, record, reason] of NO_RECORDS)
      test(`a record that is ${what} is none`, async () => {
        const a = newContext();
        const before = count(reason);
        const c = await scene(async (c) => {
          await say(a);
          await c.write(OPAQUE, a);
          await c.settle();
          await stage.script.run('context', 0, record());
          await c.write(OPAQUE);
        });
        assert.deepEqual(c.lostContexts(), [a, undefined]);
        assert.ok(count(reason) > before, `${reason} was not counted`);
      });

    test('a record that another thread writes meanwhile gives nothing that was never whole', async () => {
      const a = newContext();
      const before = count('MISS_TORN');
      for (let round = 0; count('MISS_TORN') === before; round += 1) {
        assert.ok(round < 50, 'no read met a write');
        const c = await Conversation.openSilent(stage);
        await say(a);
        await stage.script.run('tear', 0, 1);
        for (let i = 0; i < 100; i += 1) await stage.script.run('write', c.client, hex(OPAQUE));
        await stage.script.run('tear', 0, 0);
        for (const socket of [c.client, c.server]) await stage.script.run('reset', socket);
      }
    });

    test('a header in the bytes goes before, and so does what is announced', async () => {
      const [a, b, thread] = [newContext(), newContext(), newContext()];
      const before = count('CONFLICT');
      const tail = 'x'.repeat(300);
      const c = await scene(async (c) => {
        await say(thread);
        await c.write(requestOf(a), a);
        await c.settle();
        await c.write(tail, thread);
        await c.settle();
        await announce(stage.script, c.client, b);
        await c.write(tail, b);
        await c.settle();
        await announce(stage.script, c.client, NONE);
        await c.write(tail);
      });
      assert.deepEqual(c.lostContexts(), [a, thread, b, undefined]);
      assert.deepEqual(methods(c), new Set(['http1_header', 'thread_ctx', 'sdk_hook', undefined]));
      assert.ok(count('CONFLICT') >= before + 2);
    });

    test('another span of the same trace is no conflict, and a request without a header is of its thread', async () => {
      const a = newContext();
      const within = { ...newContext(), traceId: a.traceId };
      const before = count('CONFLICT');
      const c = await scene(async (c) => {
        await say(a);
        await c.write(requestOf(within), within);
        await c.settle();
        await c.write(head([]), a);
      });
      assert.deepEqual(c.lostContexts(), [within, a]);
      assert.equal(count('CONFLICT'), before);
    });

    test('bytes that another thread writes are of what that one publishes', async () => {
      const [a, b] = [newContext(), newContext()];
      const beside = (c: Conversation, record: string): Promise<number> =>
        stage.script.run('beside', 0, record, 'write', c.client, hex(OPAQUE));
      const c = await scene(async (c) => {
        await say(a);
        for (const context of [b, undefined]) {
          await beside(c, context === undefined ? '-' : recordOf(context));
          c.noteWritten(OPAQUE.length, context);
          await c.settle();
        }
        await c.write(OPAQUE, a);
      });
      assert.deepEqual(c.lostContexts(), [b, undefined, a]);
    });

    test('a child that the process forks is of nobody', async () => {
      const script = TcpScript.start(stage.room, { program: PUBLISHER });
      cleanup.add(() => script.stop());
      const lane = { ...stage, script, ...(await script.listen()) };
      await beginToPublish(lane, script, '-');
      await publish(script, newContext());
      lane.dropper.spareNew(lane.port);
      const c = await Conversation.openSilent(lane);
      await script.run('front', 0);
      c.lose();
      await c.write(OPAQUE);
      await c.settle();
      c.checkContexts();
      assert.deepEqual(c.lostContexts(), [undefined]);
      lane.dropper.spareNew(lane.port);
    });

    for (const [what, first] of MULTIPLEXED)
      test(`nothing of a connection that may carry many requests at once: ${what}`, async () => {
        const a = newContext();
        const before = count('MISS_MULTIPLEXED');
        const c = await scene(async (c) => {
          await say(a);
          await c.write(first);
          await c.settle();
          await c.write(OPAQUE);
        });
        assert.deepEqual(c.lostContexts(), [undefined, undefined]);
        assert.ok(count('MISS_MULTIPLEXED') >= before + 2);
      });

    for (const [what, first] of ONE_BY_ONE)
      test(`the hello of a connection with one request after the other is of its thread: ${what}`, async () => {
        const a = newContext();
        const c = await scene(async (c) => {
          await say(a);
          await c.write(first, a);
          await c.settle();
          await c.write(OPAQUE, a);
        });
        assert.deepEqual(c.lostContexts(), [a, a]);
      });

    test('a connection that turns to HTTP/2 later is of nobody from then on', async () => {
      const a = newContext();
      const c = await scene(async (c) => {
        await say(a);
        await c.write(OPAQUE, a);
        for (const bytes of [PREFACE, OPAQUE]) {
          await c.settle();
          await c.write(bytes);
        }
      });
      assert.deepEqual(c.lostContexts(), [a, undefined, undefined]);
    });

    test(`${CONNECTIONS} streams of contexts with random losses`, () =>
      checkRandomStreams(stage, {
        connections: CONNECTIONS,
        steps: STEPS,
        say: (_connection, context) => say(context),
      }));
  });
