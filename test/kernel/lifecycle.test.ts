/** Thirteen connections of every kind, record by record. The end-to-end truth has more of them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { hex, ScriptError, TcpScript } from '../support/script.ts';
import { Watcher } from '../support/watcher.ts';

const PAYLOAD = 'x'.repeat(1_009);

describe('lifecycle', () => {
  const cleanup = new Cleanup();
  let watcher: Watcher;
  let room: NetNamespace;
  let script: TcpScript;

  before(() => {
    ({ room, script } = TcpScript.open(cleanup));
    watcher = new Watcher();
    cleanup.add(() => watcher.close());
  });
  after(() => cleanup.run());

  interface Pair {
    readonly client: number;
    readonly server: number;
    readonly localPort: number;
    readonly port: number;
  }

  async function open(family: 4 | 6 = 4): Promise<Pair> {
    const { listener, port } = await script.listen(family === 4 ? 'listen' : 'listen6');
    const [client, server] = [script.next(), script.next()];
    await script.run(family === 4 ? 'socket' : 'socket6', client);
    const localPort = await script.run('connect', client, port);
    await script.run('accept', server, listener);
    await script.run('write', client, hex(PAYLOAD));
    await script.run('read', server, PAYLOAD.length);
    return { client, server, localPort, port };
  }

  /** What the records say of one end, less what is asked elsewhere. */
  const story = (port: number, peerPort: number) =>
    watcher.connections(room.inode, port, peerPort).map((record) => ({
      kind: record.kind,
      pid: record.owner.pid,
      ...(record.kind === 'close' && {
        reason: record.closeReason,
        sent: Number(record.bytesSent),
        received: Number(record.bytesReceived),
      }),
      ...(record.error !== undefined && { error: record.error }),
    }));

  /** The expected records of both ends of an accepted connection. */
  async function expectPair(
    { localPort, port }: Pair,
    clientReason: string,
    serverReason: string,
  ): Promise<void> {
    const [pid, size] = [script.pid, PAYLOAD.length];
    const isSeen = (): boolean =>
      story(localPort, port).length === 2 && story(port, localPort).some(({ kind }) => kind === 'close');
    await waitFor('both ends to close', isSeen);
    assert.deepEqual(story(localPort, port), [
      { kind: 'open', pid },
      { kind: 'close', pid, reason: clientReason, sent: size, received: 0 },
    ]);
    const accepted = watcher.source.plan.accept === 'none' ? [] : [{ kind: 'accept', pid }];
    const closed = { kind: 'close', pid, reason: serverReason, sent: 0, received: size };
    assert.deepEqual(story(port, localPort), [...accepted, closed]);
  }

  for (let i = 0; i < 5; i += 1) {
    test(`closed by the client, ${i + 1}`, async () => {
      const pair = await open();
      await script.run('close', pair.client);
      await script.run('close', pair.server);
      await expectPair(pair, 'local_fin', 'peer_fin');
    });
  }

  for (const family of [4, 4, 6] as const) {
    test(`closed by the server, IPv${family}`, async () => {
      const pair = await open(family);
      await script.run('close', pair.server);
      await script.run('close', pair.client);
      await expectPair(pair, 'peer_fin', 'local_fin');
      const [first] = watcher.connections(room.inode, pair.localPort, pair.port);
      assert.equal(first?.endpoints.family, family);
      assert.equal(first?.endpoints.peerPort, pair.port);
    });
  }

  for (let i = 0; i < 2; i += 1) {
    test(`reset by the client, ${i + 1}`, async () => {
      const pair = await open();
      await script.run('reset', pair.client);
      await script.run('close', pair.server);
      await expectPair(pair, 'reset_sent', 'reset_received');
    });
  }

  test('half-closed', async () => {
    const pair = await open();
    await script.run('shutdown', pair.client);
    await script.run('close', pair.server);
    await script.run('close', pair.client);
    await expectPair(pair, 'local_fin', 'peer_fin');
  });

  test('refused', async () => {
    const { listener, port } = await script.listen();
    await script.run('close', listener);
    const client = script.next();
    await script.run('socket', client);
    await assert.rejects(script.run('connect', client, port), ScriptError);
    await script.run('close', client);
    const failed = watcher
      .records()
      .flatMap((record) => (record.kind === 'fail' && record.netns === room.inode ? [record] : []));
    assert.deepEqual(
      failed.map(({ error, owner, endpoints }) => [error, owner.pid, endpoints.peerPort]),
      [['connection_refused', script.pid, port]],
    );
  });

  test('never accepted', async () => {
    const { listener, port } = await script.listen();
    const client = script.next();
    await script.run('socket', client);
    const localPort = await script.run('connect', client, port);
    await script.run('close', listener);
    await script.run('close', client);
    const pid = script.pid;
    assert.deepEqual(story(localPort, port), [
      { kind: 'open', pid },
      { kind: 'close', pid, reason: 'reset_received', sent: 0, received: 0 },
    ]);
    assert.deepEqual(story(port, localPort), [
      { kind: 'close', pid, reason: 'reset_sent', sent: 0, received: 0 },
    ]);
  });
});
