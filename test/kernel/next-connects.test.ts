/** What a thread announces of the connect() that it calls next: attempts that fail, and nobody else's. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { projectFolder } from '../backends/place.ts';
import { announce, announceConnect, NONE } from '../support/announcement.ts';
import { Cleanup } from '../support/cleanup.ts';
import { hex, ScriptError, TcpScript } from '../support/script.ts';
import type { ConnectionRecord } from '../../receiver/model/record.ts';
import { plain, type Stage } from './rig/conversation.ts';
import { openLane, openStage } from './rig/stage.ts';
import { newContext, type Context } from '../support/traceparent.ts';

const { errno } = constants;
const BEFORE_SYN = '198.51.100.7';
/** More threads than have room at once, each with a port of its own. */
const [CROWD, CROWD_PORT] = [1_400, 10_000];
const CROWD_PROGRAM = join(projectFolder, 'build', 'test', 'kernel', 'next-connect-crowd');

describe('announcements of the next connect', () => {
  const cleanup = new Cleanup();
  let stage: Stage;
  /** A socket that has nothing to do with it. */
  let any = 0;

  before(async () => {
    stage = await openStage(cleanup);
    stage.room.exec('ip', 'route', 'add', 'unreachable', `${BEFORE_SYN}/32`);
    stage.room.sysctl('net/ipv4/tcp_syn_retries', '1');
    any = stage.listener;
  });
  after(() => cleanup.run());

  /** Connects; the errno that it got, 0: none. */
  async function attempt(port: number, to = '127.0.0.1', script = stage.script): Promise<[number, number]> {
    const socket = script.next();
    await script.run('socket', socket, 0);
    const [command, ...words] = to === '127.0.0.1' ? ['connect', port] : ['connect-to', to, port];
    try {
      await script.run(command ?? '', socket, ...words);
      return [0, socket];
    } catch (error) {
      assert.ok(error instanceof ScriptError);
      return [error.errno, socket];
    }
  }

  const recordsAt = (port: number, kind: ConnectionRecord['kind']): ConnectionRecord[] =>
    stage.watcher.towards(stage.room.inode, port, kind);
  const failuresAt = (port: number): (Context | undefined)[] =>
    recordsAt(port, 'fail').map(({ context }) => plain(context));

  test('a refused one is of it, and the one after it is not', async () => {
    const [a, port] = [newContext(), TcpScript.newPort()];
    await announceConnect(stage.script, any, a);
    assert.equal((await attempt(port))[0], errno.ECONNREFUSED);
    assert.equal((await attempt(port))[0], errno.ECONNREFUSED);
    assert.deepEqual(failuresAt(port), [a, undefined]);
    assert.equal(recordsAt(port, 'fail')[0]?.context?.method, 'sdk_hook');
  });

  test('one that fails before its SYN uses it up as well', async () => {
    const [a, port] = [newContext(), TcpScript.newPort()];
    await announceConnect(stage.script, any, a);
    assert.equal((await attempt(port, BEFORE_SYN))[0], errno.EHOSTUNREACH);
    assert.equal((await attempt(port))[0], errno.ECONNREFUSED);
    assert.deepEqual(failuresAt(port), [a, undefined]);
  });

  test('one that times out, with the SYNs that it sent again', async () => {
    const [a, port] = [newContext(), TcpScript.newPort()];
    stage.room.filter(`tcp dport ${port} drop`);
    await announceConnect(stage.script, any, a);
    assert.equal((await attempt(port))[0], errno.ETIMEDOUT);
    stage.room.filter();
    assert.deepEqual(failuresAt(port), [a]);
    const syns = stage.watcher
      .retransmits(stage.room.inode)
      .filter(({ endpoints }) => endpoints.peerPort === port);
    assert.ok(syns.length > 0);
    for (const { context } of syns) assert.deepEqual(plain(context), a);
  });

  test('one that the network calls unreachable', async () => {
    const [a, port] = [newContext(), TcpScript.newPort()];
    stage.room.filter(`tcp dport ${port} reject with icmp type host-unreachable`);
    await announceConnect(stage.script, any, a);
    assert.equal((await attempt(port))[0], errno.EHOSTUNREACH);
    stage.room.filter();
    assert.deepEqual(failuresAt(port), [a]);
  });

  test('a handshake is of it, and the bytes after it are not', async () => {
    const [a, { script, port, listener, dropper, room, watcher }] = [newContext(), stage];
    const server = script.next();
    await announceConnect(script, any, a);
    const [error, client] = await attempt(port);
    assert.equal(error, 0);
    await script.run('accept', server, listener);
    dropper.lose(port);
    await script.run('write', client, hex('nobody says whose these are'));
    await script.run('read', server, 27);
    dropper.rest();
    assert.deepEqual(
      recordsAt(port, 'handshake').map(({ context }) => plain(context)),
      [a],
    );
    const again = watcher.retransmits(room.inode).filter(({ endpoints }) => endpoints.peerPort === port);
    assert.ok(again.length > 0);
    for (const { context } of again) assert.equal(context, undefined);
    for (const socket of [client, server]) await script.run('close', socket);
  });

  test('a reset before the first byte ends a connection whose handshake is of it', async () => {
    const [a, { script, room, watcher }] = [newContext(), stage];
    const [server, { listener, port }] = [script.next(), await script.listen()];
    await announceConnect(script, any, a);
    const [, client] = await attempt(port);
    await script.run('accept', server, listener);
    await script.run('reset', server);
    await assert.rejects(script.run('read', client, 1));
    const [handshake] = recordsAt(port, 'handshake');
    assert.deepEqual(plain(handshake?.context), a);
    const ends = watcher.connections(room.inode, handshake?.endpoints.localPort ?? 0, port);
    const closed = ends.find(({ kind }) => kind === 'close');
    assert.deepEqual([closed?.closeReason, closed?.cookie], ['reset_received', handshake?.cookie]);
  });

  test('what is said of the socket itself counts more, and what is taken back counts nothing', async () => {
    const [a, { script }] = [newContext(), stage];
    const [socket, port] = [script.next(), TcpScript.newPort()];
    await script.run('socket', socket, 0);
    await announce(script, socket, a);
    await announceConnect(script, any, newContext());
    await assert.rejects(script.run('connect', socket, port));
    await announceConnect(script, any, newContext());
    await announceConnect(script, any, NONE);
    await attempt(port);
    await announceConnect(script, any, newContext());
    await announceConnect(script, any, a);
    await attempt(port);
    assert.deepEqual(failuresAt(port), [a, undefined, a]);
  });

  test("another thread's connect is none of it", async () => {
    const [a, { script }, port] = [newContext(), stage, TcpScript.newPort()];
    const lane = await openLane(cleanup, stage);
    await announceConnect(script, any, a);
    await attempt(port, '127.0.0.1', lane.script);
    await attempt(port);
    assert.deepEqual(failuresAt(port), [undefined, a]);
  });

  /** The threads of a crowd announce, and connect: who had no room, after all was compared. */
  function crowdWithoutRoom(firstPort: number): number {
    const { room, watcher } = stage;
    const lost = (): number => watcher.count('PROBE_ANNOUNCE', 'LOST_MAP_FULL');
    const before = lost();
    const taken = Number(room.exec(CROWD_PROGRAM, String(CROWD), String(firstPort)));
    assert.equal(lost() - before, CROWD - taken);
    let found = 0;
    for (let port = firstPort; port < firstPort + CROWD; port += 1) {
      const [context] = failuresAt(port);
      if (context === undefined) continue;
      assert.equal(parseInt(context.spanId, 16), port);
      found += 1;
    }
    assert.ok(found > 0 && found <= taken, `${found} of ${taken}`);
    return CROWD - taken;
  }

  test(`${CROWD} threads at once: what finds no room is refused and counted, and nobody has another's`, () => {
    // A place is kept for a second: on a machine that takes longer, all find one.
    const firsts = Array.from({ length: 8 }, (_, index) => CROWD_PORT + index * CROWD);
    assert.ok(firsts.some((port) => crowdWithoutRoom(port) > 0));
  });

  test('the socket itself before its connect(): refused, and where a program sees it, without a SYN', async (t) => {
    const { script, watcher } = stage;
    const port = TcpScript.newPort();
    const isTyped = watcher.source.plan.attached.some(({ program }) => program === 'ws_connect_fexit');
    t.diagnostic(isTyped ? 'by fexit' : 'by sys_exit: a socket that has no type');
    const contexts = [newContext(), newContext()] as const;
    for (const [index, to] of [`127.0.0.1`, BEFORE_SYN].entries()) {
      const socket = script.next();
      await script.run('socket', socket, 0);
      await announce(script, socket, contexts[index] ?? NONE);
      await assert.rejects(script.run('connect-to', socket, to, port));
    }
    assert.deepEqual(failuresAt(port), [contexts[0], isTyped ? contexts[1] : undefined]);
  });
});
