/** Resets: sent and received, with and without a socket, against the namespace's statistics. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hasResetReason } from '../support/kernel-abilities.ts';
import { Cleanup } from '../support/cleanup.ts';
import { CLOSED_PORT } from './rig/drop-scenes.ts';
import { DropStage, type Pair } from '../support/drop-stage.ts';
import { ResetCounts } from './rig/reset-counts.ts';

const SYN = 2;
const RST = 4;
const CLIENT = 1;
/** Entries that `unsure_resets` takes. */
const ROOM = 1_024;
const MORE = 8;

describe('resets', () => {
  const cleanup = new Cleanup();
  let stage: DropStage;
  let counts: ResetCounts;

  before(async () => {
    stage = await DropStage.open(cleanup);
    counts = new ResetCounts(stage);
  });
  after(() => cleanup.run());

  async function onEach(count: number, play: (pair: Pair) => Promise<void>): Promise<void> {
    for (let i = 0; i < count; i += 1) await play(await stage.connect());
  }

  test('the client resets', async () => {
    const ports: number[] = [];
    const { sent, received, statistics, events } = await counts.gainOf(() =>
      onEach(7, async (pair) => {
        ports.push(pair.clientPort);
        await stage.script.run('reset', pair.client);
        await stage.script.run('close', pair.server);
      }),
    );
    assert.deepEqual({ ...sent, nobody: 0 }, { client: 7, server: 0, nobody: 0 });
    assert.deepEqual(received, { client: 0, server: 7 });
    // Both ends leave ESTABLISHED.
    assert.deepEqual(statistics, { sent: 7, aborted: 14 });
    const seen = events.map(({ direction, role, endpoints, owner }) => ({
      direction,
      role,
      local: endpoints.localPort,
      peer: endpoints.peerPort,
      pid: owner.pid,
    }));
    const { pid } = stage.script;
    const { port } = stage;
    const expected = ports.slice(-7).flatMap((client) => [
      { direction: 'receive', role: 'server', local: port, peer: client, pid },
      { direction: 'transmit', role: 'client', local: client, peer: port, pid },
    ]);
    const byText = (a: object, b: object): number => JSON.stringify(a).localeCompare(JSON.stringify(b));
    assert.deepEqual(seen.sort(byText), expected.sort(byText));
    assert.deepEqual(new Set(events.map(({ endpoints }) => endpoints.peerAddress)), new Set(['127.0.0.1']));
    assert.equal(events.find(({ direction }) => direction === 'receive')?.state, 'established');
  });

  test('a server closes with unread data', async (t) => {
    const { sent, received, statistics } = await counts.gainOf(() =>
      onEach(5, async (pair) => {
        await stage.script.run('write', pair.client, '6162');
        await stage.script.run('close', pair.server);
        await stage.script.run('close', pair.client);
      }),
    );
    assert.deepEqual({ ...sent, nobody: 0 }, { client: 0, server: 5, nobody: 0 });
    assert.deepEqual(received, { client: 5, server: 0 });
    assert.deepEqual(statistics, { sent: 5, aborted: 10 });
    const reasons = counts.rows(stage.script.pid).flatMap(({ reason }) => reason ?? []);
    if (!hasResetReason(stage.watcher.source.plan)) t.diagnostic('this kernel has no reasons');
    else assert.ok(reasons.includes('tcp_abort_on_close'), reasons.join());
  });

  test('nobody listens', async () => {
    const { received, statistics, events } = await counts.gainOf(async () => {
      for (let i = 0; i < 3; i += 1) {
        const client = stage.script.next();
        await stage.script.run('socket', client);
        await assert.rejects(stage.script.run('connect', client, CLOSED_PORT), { errno: 111 });
        await stage.script.run('close', client);
      }
    });
    assert.deepEqual(received, { client: 3, server: 0 });
    assert.deepEqual(statistics, { sent: 3, aborted: 0 });
    assert.deepEqual(
      events.map(({ direction, state, endpoints }) => [direction, state, endpoints.peerPort]),
      Array.from({ length: 3 }, () => ['receive', 'syn_sent', CLOSED_PORT]),
    );
  });

  test('without any socket: the answer is nobody’s', async (t) => {
    const { sent, received, statistics, events } = await counts.gainOf(() =>
      stage.send({ sport: 1234, dport: CLOSED_PORT, flags: SYN, count: 11 }),
    );
    assert.equal(statistics.sent, 11);
    assert.deepEqual([received, events], [{ client: 0, server: 0 }, []]);
    // Others' on this machine count, too. Older kernels show no RST without a socket.
    if (hasResetReason(stage.watcher.source.plan)) assert.ok(sent.nobody >= 11, `${sent.nobody}`);
    else t.diagnostic('this kernel does not show them');
  });

  test('data to a socket that is shut both ways: a RST goes out, none came in', async () => {
    const { sent, received, statistics, odd, events } = await counts.gainOf(() =>
      onEach(5, async (pair) => {
        await stage.script.run('shut', pair.client);
        await stage.script.run('write', pair.server, '6162');
        await stage.script.run('close', pair.client);
        await stage.script.run('close', pair.server);
      }),
    );
    assert.deepEqual([statistics.sent, odd.onData], [5, 5]);
    assert.deepEqual({ ...sent, nobody: 0 }, { client: 5, server: 0, nobody: 0 });
    assert.deepEqual(received, { client: 0, server: 5 });
    assert.deepEqual(events.map(({ direction, role }) => `${direction} ${role}`).sort(), [
      ...Array.from({ length: 5 }, () => 'receive server'),
      ...Array.from({ length: 5 }, () => 'transmit client'),
    ]);
  });

  test('a RST to a socket that is shut both ways', async () => {
    const { sent, received, statistics, events } = await counts.gainOf(() =>
      onEach(7, async (pair) => {
        await stage.script.run('shut', pair.client);
        // A FIN that came to nobody would be answered with one more.
        await stage.script.run('drain', pair.server);
        await stage.script.run('reset', pair.server);
        await stage.script.run('close', pair.client);
      }),
    );
    assert.equal(statistics.sent, 7);
    assert.deepEqual({ ...sent, nobody: 0 }, { client: 0, server: 7, nobody: 0 });
    assert.deepEqual(received, { client: 7, server: 0 });
    const told = events.filter(({ direction }) => direction === 'receive');
    assert.equal(told.length, 7);
    // The FIN's acknowledgement may be late.
    for (const { state } of told) assert.match(state ?? '', /^fin_wait_[12]$/);
  });

  test('more such RSTs than there is room for: the others count at once, and that is counted', async () => {
    const pairs: Pair[] = [];
    const [before, lost] = [
      counts.mine('received', CLIENT),
      stage.watcher.count('PROBE_RESET', 'LOST_MAP_FULL'),
    ];
    for (let i = 0; i < ROOM + MORE; i += 1) {
      const pair = await stage.connect();
      pairs.push(pair); // it keeps its socket, and so the address
      await stage.script.run('shut', pair.client);
      await stage.script.run('reset', pair.server);
    }
    assert.equal(counts.unsure(), ROOM);
    // Others on this machine may have some of the places.
    const atOnce = counts.mine('received', CLIENT) - before;
    assert.ok(atOnce >= MORE, `${atOnce}`);
    assert.ok(stage.watcher.count('PROBE_RESET', 'LOST_MAP_FULL') - lost >= atOnce);
    await counts.settle();
    assert.equal(counts.mine('received', CLIENT) - before, ROOM + MORE);
    for (const { client } of pairs) await stage.script.run('close', client);
  });

  test('a RST on a connection whose handshake has not ended', async (t) => {
    const { received, statistics, odd, events } = await counts.gainOf(() =>
      stage.send({ sport: 30_000, dport: stage.port, flags: SYN, count: 40, step: 1 }),
    );
    assert.deepEqual([statistics.sent, odd.embryonic], [40, 40]);
    if ((stage.watcher.source.plan.arities['kfree_skb'] ?? 0) <= 3) {
      t.diagnostic('this kernel does not say whose a packet was');
      assert.deepEqual(received, { client: 0, server: 0 });
      return;
    }
    assert.deepEqual(received, { client: 0, server: 40 });
    const mine = events.filter(({ direction }) => direction === 'receive');
    const ports = mine.map(({ state, endpoints }) => `${state} ${endpoints.localPort} ${endpoints.peerPort}`);
    assert.deepEqual(
      ports.sort(),
      Array.from({ length: 40 }, (_, index) => `syn_received ${stage.port} ${30_000 + index}`).sort(),
    );
  });

  test('an RST out of the blue', async () => {
    const { received, statistics } = await counts.gainOf(() =>
      onEach(5, async (pair) => {
        const { clientPort, seq, ack } = pair;
        stage.send({ sport: clientPort, dport: stage.port, seq, ack, flags: RST });
        await stage.script.run('close', pair.server);
        await stage.script.run('reset', pair.client);
      }),
    );
    assert.deepEqual(received, { client: 0, server: 5 });
    assert.equal(statistics.sent, 5, 'those of the client');
  });
});
