/** What applications announce of their sockets: whose bytes are sent again, with segments really lost. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { hex } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { announce, NONE } from '../support/announcement.ts';
import { Conversation, OPAQUE, plain, untilSeen, type Stage } from './rig/conversation.ts';
import { checkRandomStreams } from './rig/random-streams.ts';
import { openLane, openStage } from './rig/stage.ts';
import { head, newContext, requestOf, type Context } from '../support/traceparent.ts';
import { WRITE_VARIANTS } from './rig/write-variants.ts';

const CONNECTIONS = 12;
const STEPS = 20;

for (const { name, refused, skip } of WRITE_VARIANTS)
  describe(`announcements, writes by ${name}`, { skip }, () => {
    const cleanup = new Cleanup();
    let stage: Stage;

    before(async () => {
      stage = await openStage(cleanup, {}, refused);
    });
    after(() => cleanup.run());

    const say = (socket: number, context: Context): Promise<number> =>
      announce(stage.script, socket, context);
    /** A scene on a connection all of whose segments are lost once. */
    const scene = (play: (c: Conversation) => Promise<void>, mss = 0): Promise<Conversation> =>
      untilSeen(async () => {
        stage.dropper.spareNew(stage.port);
        const c = await Conversation.openSilent(stage, { mss });
        c.lose();
        await play(c);
        await c.settle();
        return c;
      });
    const methods = (c: Conversation): Set<string | undefined> =>
      new Set(c.retransmits().map(({ record }) => record.context?.method));
    const conflicts = (): number => stage.watcher.count('PROBE_ANNOUNCE', 'CONFLICT');

    test('each stretch is of what was announced before it, its flags included', async () => {
      const [a, b] = [newContext(), newContext(0)];
      const c = await scene(async (c) => {
        await c.write(OPAQUE);
        await c.settle();
        for (const context of [a, b, NONE]) {
          await say(c.client, context);
          await c.write(OPAQUE, context === NONE ? undefined : context);
          await c.settle();
        }
      });
      assert.deepEqual(c.lostContexts(), [undefined, a, b, undefined]);
      assert.deepEqual(methods(c), new Set([undefined, 'sdk_hook']));
    });

    test('a late retransmission belongs to the earlier announcement', async () => {
      const [a, b] = [newContext(), newContext()];
      const c = await scene(async (c) => {
        await say(c.client, a);
        await c.write(OPAQUE, a);
        c.spare();
        await say(c.client, b);
        await c.write(OPAQUE, b);
      });
      assert.deepEqual(c.lostContexts(), [a]);
    });

    test('said again and again it takes no room from others', async () => {
      const contexts = [newContext(), newContext(), newContext(), newContext()];
      const c = await scene(async (c) => {
        for (const context of contexts) {
          for (let i = 0; i < 3; i += 1) await say(c.client, newContext());
          for (let i = 0; i < 3; i += 1) await say(c.client, context);
          await c.write('x'.repeat(100), context);
        }
      }, 100);
      assert.deepEqual(
        new Set(c.lostContexts().map((context) => context?.spanId)),
        new Set(contexts.map(({ spanId }) => spanId)),
      );
    });

    test('a header in the bytes wins, and is counted when it says something else', async () => {
      const [a, b] = [newContext(), newContext()];
      for (const [announced, isConflict] of [
        [a, false],
        [b, true],
      ] as const) {
        const before = conflicts();
        const tail = 'x'.repeat(300);
        const c = await scene(async (c) => {
          await say(c.client, announced);
          await c.write(requestOf(a), a);
          await c.settle();
          await c.write(tail, announced);
        });
        assert.deepEqual(c.lostContexts(), [a, announced]);
        assert.deepEqual(methods(c), new Set(['http1_header', 'sdk_hook']));
        assert.equal(conflicts() > before, isConflict);
      }
    });

    test('a request without a header is of what was announced', async () => {
      const a = newContext();
      const c = await scene(async (c) => {
        await say(c.client, a);
        await c.write(head([]), a);
      });
      assert.deepEqual(c.lostContexts(), [a]);
    });

    test('an announcement goes with its socket: the same descriptor again has none', async () => {
      const c = await scene(async (c) => {
        await say(c.client, newContext());
        await stage.script.run('reset', c.client);
        await stage.script.run('close', c.server);
        await stage.script.run('socket', c.client, 0);
        c.localPort = await stage.script.run('connect', c.client, stage.port);
        await stage.script.run('accept', c.server, stage.listener);
        await c.write(OPAQUE);
      });
      assert.deepEqual(c.lostContexts(), [undefined]);
    });

    test('a socket that connects again has none of before', async () => {
      const c = await untilSeen(async () => {
        stage.dropper.spareNew(stage.port);
        const c = await Conversation.openSilent(stage);
        await say(c.client, newContext());
        await c.write(OPAQUE);
        await c.settle();
        await c.again();
        c.lose();
        await c.write(OPAQUE);
        await c.settle();
        return c;
      });
      assert.deepEqual(c.lostContexts(), [undefined]);
    });

    test(`${CONNECTIONS} streams of announcements with random losses`, () =>
      checkRandomStreams(stage, {
        connections: CONNECTIONS,
        steps: STEPS,
        say: ({ client }, context = NONE) => say(client, context),
      }));
  });

describe('announcements before and beside connections', () => {
  const cleanup = new Cleanup();
  let stage: Stage;

  before(async () => {
    stage = await openStage(cleanup);
  });
  after(() => cleanup.run());

  const connectionsOf = (localPort: number, port = stage.port): ReturnType<Stage['watcher']['connections']> =>
    stage.watcher.connections(stage.room.inode, localPort, port);

  test('a handshake is of what was announced before it, its lost SYN too', async () => {
    const [a, { script, room, port, watcher, listener }] = [newContext(), stage];
    const [client, server] = [script.next(), script.next()];
    await script.run('socket', client, 0);
    await announce(script, client, a);
    room.filter(`tcp dport ${port} tcp flags & (syn | ack) == syn numgen inc mod 2 0 drop`);
    const localPort = await script.run('connect', client, port);
    room.filter();
    await script.run('accept', server, listener);
    const handshake = connectionsOf(localPort).find(({ kind }) => kind === 'handshake');
    assert.deepEqual(plain(handshake?.context), a);
    const syns = watcher.retransmits(room.inode, localPort).filter(({ type }) => type === 'syn');
    assert.ok(syns.length > 0);
    for (const { context } of syns) assert.deepEqual([plain(context), context?.method], [a, 'sdk_hook']);
    for (const socket of [client, server]) await script.run('close', socket);
  });

  test('an attempt that is refused is of what was announced before it', async () => {
    const [a, { script, watcher, room }] = [newContext(), stage];
    const [client, { listener, port }] = [script.next(), await script.listen()];
    await script.run('close', listener);
    await script.run('socket', client, 0);
    await announce(script, client, a);
    await assert.rejects(script.run('connect', client, port));
    const failed = watcher
      .records()
      .find(
        (record) =>
          record.kind === 'fail' && record.netns === room.inode && record.endpoints.peerPort === port,
      );
    assert.ok(failed?.kind === 'fail');
    assert.deepEqual([failed.error, plain(failed.context)], ['connection_refused', a]);
  });

  test("a server's response is of what it announced", async () => {
    const [a, { script, room, watcher, port, dropper, listener }] = [newContext(), stage];
    const [client, server] = [script.next(), script.next()];
    dropper.rest();
    await script.run('socket', client, 0);
    const localPort = await script.run('connect', client, port);
    await script.run('accept', server, listener);
    await announce(script, server, a);
    dropper.lose(localPort);
    await script.run('write', server, hex(OPAQUE));
    await script.run('read', client, OPAQUE.length);
    const sentAgain = watcher
      .retransmits(room.inode, port)
      .filter(({ endpoints }) => endpoints.peerPort === localPort);
    assert.ok(sentAgain.length > 0);
    for (const { context } of sentAgain) assert.deepEqual(plain(context), a);
    for (const socket of [client, server]) await script.run('close', socket);
  });

  test('a child speaks for the socket that it shares', async () => {
    const a = newContext();
    const lane = await openLane(cleanup, stage);
    lane.dropper.spareNew(lane.port);
    const c = await Conversation.openSilent(lane);
    await announce(lane.script, c.client, newContext());
    await lane.script.run('front', c.client);
    await announce(lane.script, c.client, a);
    c.lose();
    await c.write(OPAQUE, a);
    await c.settle();
    c.checkContexts();
    assert.deepEqual(c.lostContexts(), [a]);
  });

  test('what is older than the programs can be announced', async () => {
    const [a, { script, room, port, listener, dropper, watcher }] = [newContext(), stage];
    watcher.source.detach();
    const [client, server] = [script.next(), script.next()];
    dropper.rest();
    await script.run('socket', client, 0);
    const localPort = await script.run('connect', client, port);
    await script.run('accept', server, listener);
    await script.run('fill', client, 100_000);
    await script.run('read', server, 100_000);
    watcher.source.attach();
    await announce(script, client, a);
    dropper.lose(port);
    await script.run('write', client, hex(OPAQUE));
    await script.run('read', server, OPAQUE.length);
    await waitFor('the acknowledgement', async () => (await script.run('unacked', client)) === 0);
    for (const { context } of watcher.retransmits(room.inode, localPort)) assert.deepEqual(plain(context), a);
    for (const socket of [client, server]) await script.run('close', socket);
  });
});
