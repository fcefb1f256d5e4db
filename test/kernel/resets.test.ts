/** Resets: sent and received, with and without a socket, against the namespace's statistics. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hasResetReason } from '../support/kernel-abilities.ts';
import { RESET_KEY } from '../../receiver/decode/generated/layout.ts';
import type { ResetRecord } from '../../receiver/model/record.ts';
import { Cleanup } from '../support/cleanup.ts';
import { CLOSED_PORT } from './rig/drop-scenes.ts';
import { DropStage, type Pair } from '../support/drop-stage.ts';

const SYN = 2;
const RST = 4;
const ATTEMPTS = 5;
const CLIENT = 1;
const SERVER = 2;

/** A row of the kernel's sums, with what is 0 when nobody's socket is known. */
interface Row {
  readonly direction: 'sent' | 'received';
  readonly role: number;
  readonly port: number;
  readonly reason: string | undefined;
  readonly count: number;
}

describe('resets', () => {
  const cleanup = new Cleanup();
  let stage: DropStage;

  before(async () => {
    stage = await DropStage.open(cleanup);
  });
  after(() => cleanup.run());

  /** The rows of the script's process, or (pid 0) those of the whole machine's sockets without an owner. */
  function rows(pid: number): Row[] {
    const { count, keys, values, keySize, stride } = stage.watcher.source.read('resets');
    const key = new DataView(keys.buffer);
    const value = new DataView(values.buffer);
    const found: Row[] = [];
    for (let at = 0, i = 0; i < count; i += 1, at += keySize) {
      if (key.getUint32(at + RESET_KEY.owner + 8, true) !== pid) continue;
      found.push({
        direction: key.getUint8(at + RESET_KEY.received) === 0 ? 'sent' : 'received',
        role: key.getUint8(at + RESET_KEY.role),
        port: key.getUint16(at + RESET_KEY.server_port, true),
        reason: stage.watcher.source.names.resetReason(key.getUint8(at + RESET_KEY.reason)),
        count: Number(value.getBigUint64(i * stride, true)),
      });
    }
    return found;
  }

  function total(of: readonly Row[], direction: Row['direction'], role?: number): number {
    return of
      .filter((row) => row.direction === direction && (role === undefined || row.role === role))
      .reduce((sum, { count }) => sum + count, 0);
  }

  function look() {
    const events = stage.watcher.records().filter((record): record is ResetRecord => record.kind === 'reset');
    return {
      mine: rows(stage.script.pid),
      nobodys: rows(0),
      events: events.filter(({ netns }) => netns === stage.room.inode),
      sent: stage.room.counter('TcpOutRsts'),
      aborted: stage.room.counter('TcpEstabResets'),
      embryonic: stage.room.counter('TcpExtEmbryonicRsts'),
      skipped: stage.watcher.source
        .recursionMisses()
        .filter(({ probe }) => probe.endsWith('_reset'))
        .reduce((sum, { missed }) => sum + missed, 0),
    };
  }

  interface Gain {
    /** By role of the socket's end. */
    readonly sent: { readonly client: number; readonly server: number; readonly nobody: number };
    readonly received: { readonly client: number; readonly server: number };
    /** `TcpOutRsts` and `TcpEstabResets`. */
    readonly statistics: { readonly sent: number; readonly aborted: number };
    /** `EmbryonicRsts`: those on connections whose handshake had not ended. */
    readonly embryonic: number;
    readonly events: readonly ResetRecord[];
  }

  /** Plays it, again where the kernel skipped a program. */
  async function gainOf(play: () => Promise<void> | void): Promise<Gain> {
    for (let attempt = 1; ; attempt += 1) {
      const start = look();
      await play();
      const end = look();
      if (end.skipped !== start.skipped && attempt < ATTEMPTS) continue;
      const mine = (direction: Row['direction'], role: number): number =>
        total(end.mine, direction, role) - total(start.mine, direction, role);
      return {
        sent: {
          client: mine('sent', CLIENT),
          server: mine('sent', SERVER),
          nobody: total(end.nobodys, 'sent') - total(start.nobodys, 'sent'),
        },
        received: { client: mine('received', CLIENT), server: mine('received', SERVER) },
        statistics: { sent: end.sent - start.sent, aborted: end.aborted - start.aborted },
        embryonic: end.embryonic - start.embryonic,
        events: end.events.slice(start.events.length),
      };
    }
  }

  async function onEach(count: number, play: (pair: Pair) => Promise<void>): Promise<void> {
    for (let i = 0; i < count; i += 1) await play(await stage.connect());
  }

  test('the client resets', async () => {
    const ports: number[] = [];
    const { sent, received, statistics, events } = await gainOf(() =>
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
    const { sent, received, statistics } = await gainOf(() =>
      onEach(5, async (pair) => {
        await stage.script.run('write', pair.client, '6162');
        await stage.script.run('close', pair.server);
        await stage.script.run('close', pair.client);
      }),
    );
    assert.deepEqual({ ...sent, nobody: 0 }, { client: 0, server: 5, nobody: 0 });
    assert.deepEqual(received, { client: 5, server: 0 });
    assert.deepEqual(statistics, { sent: 5, aborted: 10 });
    const reasons = rows(stage.script.pid).flatMap(({ reason }) => reason ?? []);
    if (!hasResetReason(stage.watcher.source.plan)) t.diagnostic('this kernel has no reasons');
    else assert.ok(reasons.includes('tcp_abort_on_close'), reasons.join());
  });

  test('nobody listens', async () => {
    const { received, statistics, events } = await gainOf(async () => {
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
    const { sent, received, statistics, events } = await gainOf(() =>
      stage.send({ sport: 1234, dport: CLOSED_PORT, flags: SYN, count: 11 }),
    );
    assert.equal(statistics.sent, 11);
    assert.deepEqual([received, events], [{ client: 0, server: 0 }, []]);
    // Others' on this machine count, too. Older kernels show no RST without a socket.
    if (hasResetReason(stage.watcher.source.plan)) assert.ok(sent.nobody >= 11, `${sent.nobody}`);
    else t.diagnostic('this kernel does not show them');
  });

  test('a RST on a connection whose handshake has not ended', async (t) => {
    const { received, statistics, embryonic, events } = await gainOf(() =>
      stage.send({ sport: 30_000, dport: stage.port, flags: SYN, count: 40, step: 1 }),
    );
    assert.deepEqual([statistics.sent, embryonic], [40, 40]);
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
    const { received, statistics } = await gainOf(() =>
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
