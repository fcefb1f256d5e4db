/** Whose a connection is that goes from one process to another: opened, closed and all bytes are on one of them. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CLOSE_REASON } from '../../receiver/decode/generated/layout.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { hex, PROGRAM, TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { Watcher } from '../support/watcher.ts';
import { listenersAt } from './rig/listeners.ts';

const [BEFORE, AFTER] = [101, 53];
const ACCEPT_PROGRAMS = ['ws_accept_fexit2', 'ws_accept_fexit4', 'ws_accept_kprobe', 'ws_accept_sys_exit'];
const ROLES = { client: 1, server: 2 };
type Role = keyof typeof ROLES;

for (const [how, refused] of [
  ['as this kernel shows them', []],
  ['not seen', ACCEPT_PROGRAMS],
] as const)
  describe(`a connection that is handed over, accepts ${how}`, () => {
    const cleanup = new Cleanup();
    let room: NetNamespace;
    let giver: TcpScript;
    let taker: TcpScript;
    let peer: TcpScript;
    let listener: number;
    let port: number;
    let watcher: Watcher;

    // Not sooner: other files may run in this process.
    before(() => {
      watcher = new Watcher({}, refused);
      cleanup.add(() => watcher.close());
    });

    const another = (): TcpScript => {
      const script = TcpScript.start(room);
      cleanup.add(() => script.stop());
      return script;
    };
    beforeEach(() => {
      ({ room, script: giver } = TcpScript.open(cleanup));
      [taker, peer] = [another(), another()];
    });
    after(() => cleanup.run());

    const connect = async (from: TcpScript): Promise<number> => {
      const socket = from.next();
      await from.run('socket', socket);
      await from.run('connect', socket, port);
      return socket;
    };
    const accept = async (by: TcpScript, from = listener): Promise<number> => {
      const socket = by.next();
      await by.run('accept', socket, from);
      return socket;
    };
    /** The giver's socket becomes the taker's; the giver's own stays open. */
    const handOver = async (socket: number): Promise<number> => {
      const [box, same] = [taker.next(), taker.next()];
      await taker.run('box', box, port);
      await giver.run('give', socket, port);
      await taker.run('take', same, box);
      await taker.run('close', box);
      return same;
    };
    const write = (by: TcpScript, socket: number, bytes: number): Promise<number> =>
      by.run('write', socket, hex('x'.repeat(bytes)));

    /** What each process has of the connection's end. */
    const sharesOf = (role: Role): { pid: number; opened: number; closed: number; sent: number }[] =>
      watcher
        .series()
        .filter((row) => row.port === port && row.role === ROLES[role])
        .map(({ pid, sum }) => ({
          pid,
          opened: sum('opened'),
          closed: Object.values(CLOSE_REASON).reduce<number>(
            (total, reason) => total + sum('closed', reason),
            0,
          ),
          sent: sum('bytes_sent'),
        }))
        .filter(({ opened, closed, sent }) => opened + closed + sent > 0);
    const closed = (role: Role): Promise<void> =>
      waitFor(`the ${role}'s close`, () => sharesOf(role).some((share) => share.closed > 0), 10_000);

    test("a client's stays with who connected", async () => {
      ({ listener, port } = await peer.listen());
      const socket = await connect(giver);
      const far = await accept(peer);
      await write(giver, socket, BEFORE);
      await peer.run('read', far, BEFORE);
      watcher.pass();
      const same = await handOver(socket);
      await giver.run('close', socket);
      await write(taker, same, AFTER);
      watcher.pass();
      await taker.run('close', same);
      await peer.run('close', far);
      await closed('client');
      assert.deepEqual(sharesOf('client'), [{ pid: giver.pid, opened: 1, closed: 1, sent: BEFORE + AFTER }]);
    });

    test("a server's stays with who used it first", async () => {
      ({ listener, port } = await giver.listen());
      const far = await connect(peer);
      const socket = await accept(giver);
      await write(giver, socket, BEFORE);
      watcher.pass();
      const same = await handOver(socket);
      await giver.run('close', socket);
      await write(taker, same, AFTER);
      await peer.run('read', far, BEFORE + AFTER);
      watcher.pass();
      await taker.run('close', same);
      await peer.run('close', far);
      await closed('server');
      assert.deepEqual(sharesOf('server'), [{ pid: giver.pid, opened: 1, closed: 1, sent: BEFORE + AFTER }]);
    });

    test('one that nobody used before is of one of them', async () => {
      ({ listener, port } = await giver.listen());
      const far = await connect(peer);
      const socket = await accept(giver);
      watcher.pass();
      const same = await handOver(socket);
      await giver.run('close', socket);
      await write(taker, same, AFTER);
      await peer.run('read', far, AFTER);
      watcher.pass();
      await taker.run('close', same);
      await peer.run('close', far);
      await closed('server');
      const [share, ...others] = sharesOf('server');
      assert.deepEqual(others, []);
      assert.ok(share);
      assert.deepEqual(share, { pid: share.pid, opened: 1, closed: 1, sent: AFTER });
      assert.ok([giver.pid, taker.pid].includes(share.pid));
    });

    test('a child that was forked after connect() closes it: it stays with the parent', async () => {
      ({ listener, port } = await peer.listen());
      const socket = await connect(giver);
      const far = await accept(peer);
      const child = await giver.run('holder', 0);
      await giver.run('close', socket);
      watcher.pass();
      await giver.run('end', 0, child);
      await peer.run('close', far);
      await closed('client');
      assert.deepEqual(sharesOf('client'), [{ pid: giver.pid, opened: 1, closed: 1, sent: 0 }]);
    });

    test('a program that took the place of who connected closes it: it stays, and the next is another', async () => {
      ({ listener, port } = await peer.listen());
      const socket = await connect(giver);
      await write(giver, socket, BEFORE);
      const far = await accept(peer);
      await peer.run('read', far, BEFORE);
      watcher.pass();
      await giver.run('exec', 0, PROGRAM, 'next');
      await write(giver, socket, AFTER);
      await giver.run('close', socket);
      await peer.run('close', far);
      await closed('client');
      const before = { pid: giver.pid, opened: 1, closed: 1, sent: BEFORE + AFTER };
      assert.deepEqual(sharesOf('client'), [before]);
      const next = await connect(giver);
      await giver.run('close', next);
      await peer.run('close', await accept(peer));
      await waitFor('the next one', () => sharesOf('client').filter((share) => share.closed > 0).length > 1);
      const all = sharesOf('client').sort((one, other) => other.sent - one.sent);
      assert.deepEqual(all, [before, { pid: giver.pid, opened: 1, closed: 1, sent: 0 }]);
    });

    test('who accepts one that waited for more than a second leaves it where it was counted', async () => {
      ({ listener, port } = await giver.listen());
      const same = await handOver(listener);
      const far = await connect(peer);
      watcher.pass();
      watcher.source.pass(process.hrtime.bigint() + 2_000_000_000n);
      assert.deepEqual(sharesOf('server'), [{ pid: giver.pid, opened: 1, closed: 0, sent: 0 }]);
      const socket = await accept(taker, same);
      await write(taker, socket, AFTER);
      await peer.run('read', far, AFTER);
      await taker.run('close', socket);
      await peer.run('close', far);
      await closed('server');
      assert.deepEqual(sharesOf('server'), [{ pid: giver.pid, opened: 1, closed: 1, sent: AFTER }]);
      const accepts = listenersAt(watcher, port).reduce((sum, row) => sum + row.accepts, 0);
      assert.equal(accepts, refused.length > 0 ? 0 : 1);
    });
  });
