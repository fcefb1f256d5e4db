/** Multipath TCP: its file is no TCP socket, and what moves the bytes, its subflows, has no file. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { canLoad } from '../support/kernel-abilities.ts';
import { hex, TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { Watcher, type SeriesRow } from '../support/watcher.ts';
import { listenersAt, passAt } from './rig/listeners.ts';

const [OLDER, BEFORE, SINCE, BACKLOG] = [5, 101, 67, 61];
const [CLIENT, SERVER] = [1, 2];
const ACCEPT_PROGRAMS = ['ws_accept_fexit2', 'ws_accept_fexit4', 'ws_accept_kprobe', 'ws_accept_sys_exit'];

/** docs/limitations.md */
const skip = canLoad('ws_pass_table') ? false : 'subflows are met by address, so from Linux 6.2 on';

interface Ends {
  readonly client: number;
  readonly server: number;
}

interface Listening {
  readonly listener: number;
  readonly port: number;
}

for (const [how, refused] of [
  ['as this kernel shows them', []],
  ['not seen', ACCEPT_PROGRAMS],
] as const)
  describe(`MPTCP sockets, accepts ${how}`, { skip }, () => {
    const cleanup = new Cleanup();
    let room: NetNamespace;
    let script: TcpScript;
    let watcher: Watcher;
    let older: Listening;
    let olderJoined: Listening;
    const pairs: Ends[] = [];

    before(async () => {
      ({ room, script } = TcpScript.open(cleanup));
      room.sysctl('net/mptcp/enabled', '1');
      room.exec('ip', 'mptcp', 'endpoint', 'add', '127.0.0.2', 'subflow');
      olderJoined = await script.listen('listen-mptcp', BACKLOG);
      await joined(olderJoined);
      older = await script.listen('listen-mptcp', BACKLOG);
      for (let i = 0; i < OLDER; i += 1) pairs.push(await connect(older));
      for (const { client, server } of pairs) await move(client, server, BEFORE);
      watcher = new Watcher({}, refused);
      cleanup.add(() => watcher.close());
    });
    after(() => cleanup.run());

    async function connect({ listener, port }: Listening, acceptor = script): Promise<Ends> {
      const [client, server] = [script.next(), acceptor.next()];
      await script.run('socket-mptcp', client);
      await script.run('connect', client, port);
      await acceptor.run('accept', server, listener);
      return { client, server };
    }

    async function move(from: number, to: number, bytes: number, reader = script): Promise<void> {
      await script.run('write', from, hex('x'.repeat(bytes)));
      await reader.run('read', to, bytes);
    }

    /** A connection to which the kernel adds a second subflow, in a worker. */
    async function joined(at: Listening, acceptor = script): Promise<Ends> {
      room.exec('ip', 'mptcp', 'limits', 'set', 'subflow', '1', 'add_addr_accepted', '0');
      const ends = await connect(at, acceptor);
      await move(ends.client, ends.server, BEFORE, acceptor);
      await waitFor('the second subflow', () => subflows(at.port) === 2);
      room.exec('ip', 'mptcp', 'limits', 'set', 'subflow', '0', 'add_addr_accepted', '0');
      return ends;
    }

    /** Established ones, as the kernel lists them. */
    const subflows = (port: number): number =>
      room.exec('ss', '-Htn', 'state', 'established', `dport = :${port}`).split('\n').filter(Boolean).length;

    /** Sums of one end at a port, by the process that they count for. */
    function sums(
      port: number,
      role: number,
      field: Parameters<SeriesRow['sum']>[0],
    ): Record<string, number> {
      const byPid: Record<string, number> = {};
      for (const row of watcher.series())
        if (row.port === port && row.role === role && row.sum(field) !== 0) byPid[row.pid] = row.sum(field);
      return byPid;
    }

    const pidsAt = (port: number): number[] => passAt(watcher, port).map(({ pid }) => pid);

    test('a listener older than the programs has its queue, and its owner', async () => {
      const client = script.next();
      await script.run('socket-mptcp', client);
      await script.run('connect', client, older.port);
      assert.deepEqual(
        passAt(watcher, older.port).map(({ pid, count, usage, limit }) => ({ pid, count, usage, limit })),
        [{ pid: script.pid, count: 1, usage: 1, limit: BACKLOG }],
      );
      const server = script.next();
      await script.run('accept', server, older.listener);
      await script.run('close', client);
      await script.run('close', server);
      await waitFor('it to close', () => subflows(older.port) === OLDER);
    });

    test('connections older than the programs are counted, with their bytes since', async () => {
      watcher.pass();
      for (const role of [CLIENT, SERVER])
        assert.deepEqual(sums(older.port, role, 'active'), { [script.pid]: OLDER });
      for (const { client, server } of pairs) {
        await move(client, server, SINCE);
        await script.run('close', client);
        await script.run('close', server);
      }
      await waitFor('all to close', () => subflows(older.port) === 0);
      const bytes = { [script.pid]: OLDER * SINCE };
      await waitFor('the ends to be counted', () => {
        watcher.pass();
        return JSON.stringify(sums(older.port, SERVER, 'bytes_received')) === JSON.stringify(bytes);
      });
      assert.deepEqual(sums(older.port, CLIENT, 'bytes_sent'), bytes);
      for (const role of [CLIENT, SERVER])
        assert.deepEqual(sums(older.port, role, 'opened'), { [script.pid]: 1 });
      const closes = watcher.connections(room.inode, older.port).filter(({ kind }) => kind === 'close');
      assert.equal(closes.filter(({ preexisting }) => preexisting).length, OLDER);
      assert.equal(new Set(closes.map(({ cookie }) => cookie)).size, OLDER + 1);
      assert.ok(closes.every(({ cookie }) => cookie !== 0n));
    });

    test('all subflows of an older connection are counted', () => {
      watcher.pass();
      for (const role of [CLIENT, SERVER])
        assert.deepEqual(sums(olderJoined.port, role, 'active'), { [script.pid]: 2 });
    });

    test('a daemon forks after listen(): its queue is that of who lives', async () => {
      const forking = TcpScript.start(room);
      cleanup.add(() => forking.stop());
      const first = await forking.run('front', 0);
      const { port } = await forking.listen('listen-mptcp', BACKLOG);
      assert.deepEqual(pidsAt(port), [first]);
      const next = await forking.run('daemon', 0);
      await waitFor('it to be of who lives', () => String(pidsAt(port)) === String([next]));
    });

    test('who closes it leaves it to one of those who have it open', async () => {
      const { listener, port } = await script.listen('listen-mptcp', BACKLOG);
      const holders = [await script.run('holder', 0), await script.run('holder', 0)];
      assert.deepEqual(pidsAt(port), [script.pid]);
      await script.run('close', listener);
      const [owner = 0] = pidsAt(port);
      assert.ok(holders.includes(owner), `${owner} is none of ${holders.join(', ')}`);
      assert.deepEqual(pidsAt(port), [owner]);
      await script.run('end', 0, owner);
      const rest = holders.filter((pid) => pid !== owner);
      assert.deepEqual(pidsAt(port), rest);
      await script.run('end', 0, rest[0] ?? 0);
      assert.deepEqual(pidsAt(port), []);
    });

    test('an accepted connection, and what the kernel adds to it, are of who accepted it', async () => {
      const worker = TcpScript.start(room);
      cleanup.add(() => worker.stop());
      const { listener, port } = await script.listen('listen-mptcp', BACKLOG);
      const [box, same] = [worker.next(), worker.next()];
      await worker.run('box', box, port);
      await script.run('give', listener, port);
      await worker.run('take', same, box);
      await joined({ listener: same, port }, worker);
      watcher.pass();
      assert.deepEqual(sums(port, SERVER, 'opened'), { [worker.pid]: 2 });
      assert.deepEqual(sums(port, CLIENT, 'opened'), { [script.pid]: 2 });
      const rows = listenersAt(watcher, port);
      const accepts = rows.reduce((sum, row) => sum + row.accepts, 0);
      assert.equal(accepts, refused.length > 0 ? 0 : 1);
      assert.equal(
        rows.reduce((sum, row) => sum + row.arrivals, 0),
        1,
      );
    });
  });
