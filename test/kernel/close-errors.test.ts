/** What ended a connection, and the errno that its application got of that. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { hex, ScriptError, TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { onlyIn, Watcher } from '../support/watcher.ts';
import { openPair, type Pair } from './rig/lives.ts';

const PAYLOAD = 'x'.repeat(1_009);
const { errno } = constants;

describe('close errors', () => {
  const cleanup = new Cleanup();
  let watcher: Watcher;
  let room: NetNamespace;
  let script: TcpScript;

  before(() => {
    ({ room, script } = TcpScript.open(cleanup));
    watcher = new Watcher(onlyIn(room));
    cleanup.add(() => watcher.close());
  });
  after(() => cleanup.run());

  /** The errno with which a command fails. */
  async function errnoOf(...words: (string | number)[]): Promise<number> {
    const error: unknown = await script.run(...words).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ScriptError, `'${words.join(' ')}' did not fail`);
    return error.errno;
  }

  type Role = 'client' | 'server';

  const ends = (port: number, role: Role) =>
    watcher
      .records()
      .flatMap((record) =>
        (record.kind === 'close' || record.kind === 'fail') &&
        record.netns === room.inode &&
        record.role === role &&
        record.endpoints[role === 'client' ? 'peerPort' : 'localPort'] === port
          ? [[record.kind === 'fail' ? 'failed' : record.closeReason, record.error, record.owner.pid]]
          : [],
      );

  /** How an end of the connection at a port ended, by its record, which there is one of, and by the sums. */
  async function expectEnd(port: number, role: Role, reason: string, error?: string): Promise<void> {
    await waitFor('the end', () => ends(port, role).length > 0);
    assert.deepEqual(ends(port, role), [[reason, error, script.pid]]);
    const failed = watcher
      .series()
      .filter((row) => row.port === port && row.role === (role === 'client' ? 1 : 2) && row.error !== 0);
    assert.equal(failed.length, error === undefined ? 0 : 1, 'rows with an error');
  }

  /** `ss -K`: everything of a port, by its client's end. */
  const kill = (port: number): string => room.exec('ss', '-K', '-t', `dport = :${port}`);

  /** From now on its packets are refused, as a router would that has lost the host. */
  const refuse = (port: number): void =>
    room.filter(`tcp dport ${port} reject with icmp type host-unreachable`);

  async function closeAll({ client, server, listener }: Pair): Promise<void> {
    for (const socket of [client, server, listener]) await script.run('close', socket);
  }

  test('ended by the administrator', async () => {
    const pair = await openPair(script);
    kill(pair.port);
    assert.equal(await errnoOf('read', pair.client, 1), errno.ECONNABORTED);
    await expectEnd(pair.port, 'client', 'reset_sent', 'connection_aborted');
    await expectEnd(pair.port, 'server', 'reset_received');
    await closeAll(pair);
  });

  test('an attempt ended by the administrator', async () => {
    const { listener, port } = await script.listen();
    const client = script.next();
    await script.run('socket', client);
    room.filter(`tcp dport ${port} drop`);
    await script.run('try-connect', client, port);
    kill(port);
    room.filter();
    assert.equal(await errnoOf('read', client, 1), errno.ECONNABORTED);
    await expectEnd(port, 'client', 'failed', 'connection_aborted');
    for (const socket of [client, listener]) await script.run('close', socket);
  });

  test('half closed, and then ended by the administrator', async () => {
    const pair = await openPair(script);
    await script.run('shutdown', pair.client);
    kill(pair.port);
    assert.equal(await errnoOf('read', pair.client, 1), errno.ECONNABORTED);
    await expectEnd(pair.port, 'client', 'local_fin', 'connection_aborted');
    await closeAll(pair);
  });

  test('a user timeout', async () => {
    const pair = await openPair(script);
    await script.run('user-timeout', pair.client, 300);
    room.filter(`tcp dport ${pair.port} drop`);
    await script.run('write', pair.client, hex(PAYLOAD));
    assert.equal(await errnoOf('read', pair.client, 1), errno.ETIMEDOUT);
    await expectEnd(pair.port, 'client', 'timeout', 'timed_out');
    room.filter();
    await closeAll(pair);
  });

  test('a user timeout after an error of ICMP', async () => {
    const pair = await openPair(script);
    await script.run('user-timeout', pair.client, 300);
    refuse(pair.port);
    await script.run('write', pair.client, hex(PAYLOAD));
    assert.equal(await errnoOf('read', pair.client, 1), errno.EHOSTUNREACH);
    await expectEnd(pair.port, 'client', 'timeout', 'host_unreachable');
    room.filter();
    await closeAll(pair);
  });

  test('a user timeout of what was half closed', async () => {
    const pair = await openPair(script);
    await script.run('user-timeout', pair.client, 300);
    room.filter(`tcp dport ${pair.port} drop`);
    await script.run('write', pair.client, hex(PAYLOAD));
    await script.run('shutdown', pair.client);
    assert.equal(await errnoOf('read', pair.client, 1), errno.ETIMEDOUT);
    await expectEnd(pair.port, 'client', 'local_fin', 'timed_out');
    room.filter();
    await closeAll(pair);
  });

  test('keepalives that nobody answers', async () => {
    const pair = await openPair(script);
    await script.run('keepalive', pair.client);
    room.filter(`tcp dport ${pair.port} drop`);
    assert.equal(await errnoOf('read', pair.client, 1), errno.ETIMEDOUT);
    await expectEnd(pair.port, 'client', 'timeout', 'timed_out');
    room.filter();
    await closeAll(pair);
  });

  for (const command of ['close', 'reset'] as const) {
    test(`an error of ICMP that waited to be told, and then ${command}`, async () => {
      const pair = await openPair(script);
      await script.run('recverr', pair.client);
      refuse(pair.port);
      await script.run('write', pair.client, hex(PAYLOAD));
      // The first is refused while the socket is in use: that does not wait. Of the third the second was told.
      const isTold = async (): Promise<boolean> =>
        (await script.run('info', pair.client, 'total_retrans')) > 1;
      await waitFor('two retransmissions', isTold);
      room.filter();
      // What it wrote arrives now, and the error still waits.
      await script.run('read', pair.server, PAYLOAD.length);
      await script.run(command, pair.client);
      await script.run('close', pair.server);
      await expectEnd(pair.port, 'client', command === 'close' ? 'local_fin' : 'reset_sent');
      await script.run('close', pair.listener);
    });
  }

  test('reset while it waits for the answer, half closed', async () => {
    const pair = await openPair(script);
    await script.run('shutdown', pair.client);
    await script.run('reset', pair.server);
    assert.equal(await errnoOf('read', pair.client, 1), errno.ECONNRESET);
    await expectEnd(pair.port, 'client', 'local_fin', 'connection_reset');
    await expectEnd(pair.port, 'server', 'peer_fin');
    for (const socket of [pair.client, pair.listener]) await script.run('close', socket);
  });

  test('written to after the peer has closed', async () => {
    const pair = await openPair(script);
    await script.run('close', pair.server);
    await script.run('write', pair.client, hex(PAYLOAD));
    assert.equal(await errnoOf('write', pair.client, hex(PAYLOAD)), errno.EPIPE);
    await expectEnd(pair.port, 'client', 'peer_fin', 'broken_pipe');
    await expectEnd(pair.port, 'server', 'local_fin');
    for (const socket of [pair.client, pair.listener]) await script.run('close', socket);
  });

  test('shut both ways, and then written to', async () => {
    const pair = await openPair(script);
    await script.run('shut', pair.client);
    await script.run('write', pair.server, hex(PAYLOAD));
    await expectEnd(pair.port, 'client', 'local_fin');
    await closeAll(pair);
  });

  test('reset with nothing on the way', async () => {
    const pair = await openPair(script);
    await script.run('reset', pair.client);
    await expectEnd(pair.port, 'client', 'reset_sent');
    await expectEnd(pair.port, 'server', 'reset_received');
    for (const socket of [pair.server, pair.listener]) await script.run('close', socket);
  });

  test('reset with data that nobody read', async () => {
    const pair = await openPair(script);
    await script.run('write', pair.client, hex(PAYLOAD));
    await script.run('reset', pair.client);
    await expectEnd(pair.port, 'server', 'reset_received', 'connection_reset');
    for (const socket of [pair.server, pair.listener]) await script.run('close', socket);
  });

  test('nothing was lost, and nothing had to be made good', () => {
    assert.equal(watcher.count('PROBE_STATE', 'LOST_SKIPPED'), 0);
    assert.equal(watcher.needlessRepairs(), 0);
  });
});
