/** Latencies above their thresholds, made on purpose: a lost SYN, a late accept(), acknowledgements that are late. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionRecord, LatencyRecord } from '../../receiver/model/record.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import type { Stage } from './rig/conversation.ts';
import { hex, TcpScript } from '../support/script.ts';
import { openStage } from './rig/stage.ts';
import { ALL_SIGNALS } from '../support/watcher.ts';

const HANDSHAKE_US = 500_000;
const ACCEPT_US = 20_000;
const RTT_US = 8_000;
const HANDSHAKE_NS = BigInt(HANDSHAKE_US) * 1000n;
const ACCEPT_NS = BigInt(ACCEPT_US) * 1000n;

describe('latency outliers', () => {
  const cleanup = new Cleanup();
  let stage: Stage;

  before(async () => {
    stage = await openStage(cleanup, {
      emit: { ...ALL_SIGNALS.emit, latency: true },
      thresholds: {
        ...ALL_SIGNALS.thresholds,
        handshakeUs: HANDSHAKE_US,
        acceptQueueUs: ACCEPT_US,
        rttUs: RTT_US,
      },
    });
  });
  after(() => cleanup.run());

  const outliers = (what: string): LatencyRecord[] =>
    stage.watcher
      .records()
      .filter((record) => record.kind === 'latency')
      .filter((record) => record.netns === stage.room.inode && record.what === what);

  /** Records of this step of connections in the room. */
  const steps = (kind: ConnectionRecord['kind']): ConnectionRecord[] =>
    stage.watcher
      .records()
      .filter((record): record is ConnectionRecord => record.kind === kind)
      .filter(({ netns }) => netns === stage.room.inode);

  async function connect(acceptAfterMs = 0): Promise<{ client: number; server: number; port: number }> {
    const { script, port, listener } = stage;
    const [client, server] = [script.next(), script.next()];
    await script.run('socket', client);
    const localPort = await script.run('connect', client, port);
    if (acceptAfterMs > 0) await sleep(acceptAfterMs);
    await script.run('accept', server, listener);
    await script.run('nodelay', client);
    await script.run('nodelay', server);
    return { client, server, port: localPort };
  }

  async function close({ client, server }: { client: number; server: number }): Promise<void> {
    await stage.script.run('close', client);
    await stage.script.run('close', server);
  }

  test('a handshake whose SYN was lost, of its client, and no other', async () => {
    const { script, watcher } = stage;
    await close(await connect());
    // A full queue refuses the SYN, which is sent again after a second.
    const acceptor = TcpScript.start(stage.room);
    cleanup.add(() => acceptor.stop());
    const { listener, port } = await acceptor.listen('listen', 0);
    const [first, second] = [script.next(), script.next()];
    for (const client of [first, second]) await script.run('socket', client);
    await script.run('connect', first, port);
    const from = process.hrtime.bigint();
    const connecting = script.run('connect', second, port);
    await waitFor('the queue to refuse', () => stage.room.counter('TcpExtListenOverflows') > 0);
    await acceptor.run('accept', acceptor.next(), listener);
    const localPort = await connecting;
    const to = process.hrtime.bigint();
    const opened = watcher.connections(stage.room.inode, localPort, port).find(({ kind }) => kind === 'open');
    assert.ok(opened);
    const found = outliers('handshake').filter(({ role }) => role === 'client');
    const record = found.find(
      ({ endpoints }) => endpoints.localPort === localPort && endpoints.peerPort === port,
    );
    assert.ok(record, 'it was not told');
    assert.equal(record.valueNs, opened.establishedNs - opened.handshakeStartNs);
    assert.equal(record.timeNs, opened.establishedNs);
    assert.ok(record.valueNs > HANDSHAKE_NS && record.valueNs < to - from);
    assert.deepEqual([record.owner.pid, record.cookie], [script.pid, opened.cookie]);
    const slow = steps('open').filter((each) => each.establishedNs - each.handshakeStartNs > HANDSHAKE_NS);
    assert.deepEqual(
      found.map(({ cookie }) => cookie),
      slow.map(({ cookie }) => cookie),
    );
    for (const client of [first, second]) await script.run('close', client);
  });

  test('a connection that was accepted late, of the process that accepted it', async (t) => {
    if (stage.watcher.source.plan.accept === 'none') {
      t.skip('accepts are not seen here');
      return;
    }
    await close(await connect());
    const late = await connect(2 * (ACCEPT_US / 1000));
    await close(late);
    const waited = steps('accept').filter(
      ({ acceptedNs, establishedNs }) => acceptedNs - establishedNs > ACCEPT_NS,
    );
    const found = outliers('accept_queue');
    assert.deepEqual(
      found.map(({ cookie, valueNs, timeNs }) => [cookie, valueNs, timeNs]),
      waited.map(({ cookie, acceptedNs, establishedNs }) => [cookie, acceptedNs - establishedNs, acceptedNs]),
    );
    const ofLate = found.filter(({ endpoints }) => endpoints.peerPort === late.port);
    assert.deepEqual(
      ofLate.map(({ role, owner }) => [role, owner.pid]),
      [['server', stage.script.pid]],
    );
  });

  test('a round-trip time that rises above the threshold, once each time it does', async () => {
    const pair = await connect();
    const { script, watcher } = stage;
    const rtt = (): Promise<number> => script.run('info', pair.client, 'rtt');
    const mine = (): bigint[] =>
      outliers('rtt')
        .filter(({ endpoints }) => endpoints.localPort === pair.port)
        .map(({ valueNs }) => valueNs);
    let unread = 0;
    /** Until the smoothed time has come so far: by acknowledgements that wait, or by answers at once. */
    const raise = (): Promise<void> =>
      waitFor('late acknowledgements', async () => {
        await script.run('write', pair.client, hex('x'));
        unread += 1;
        await waitFor('an acknowledgement', async () => (await script.run('unacked', pair.client)) === 0);
        return (await rtt()) > 2 * RTT_US;
      });
    const lower = (): Promise<void> =>
      waitFor('quick acknowledgements', async () => {
        if (unread > 0) await script.run('read', pair.server, unread);
        unread = 0;
        for (let i = 0; i < 64; i += 1) {
          await script.run('write', pair.client, hex('x'));
          await script.run('read', pair.server, 1);
          await script.run('write', pair.server, hex('y'));
          await script.run('read', pair.client, 1);
        }
        return (await rtt()) < RTT_US;
      });
    await lower();
    watcher.pass();
    assert.deepEqual(mine(), []);
    const expected: bigint[] = [];
    for (let round = 0; round < 2; round += 1) {
      await raise();
      watcher.pass();
      watcher.pass();
      expected.push(BigInt(await rtt()) * 1000n);
      assert.deepEqual(mine(), expected, `round ${round}`);
      await lower();
      watcher.pass();
    }
    assert.deepEqual(mine(), expected);
    await close(pair);
  });
});
