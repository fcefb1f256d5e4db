/** Nothing is lost silently: full ring, full map. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Cleanup } from '../e2e/cleanup.ts';
import type { KernelOptions } from '../../receiver/source/knobs.ts';
import { NetRoom } from './rig/net-room.ts';
import { TcpScript } from './rig/script.ts';
import { ALL_SIGNALS, Watcher } from './rig/watcher.ts';

const CONNECTIONS = 101;
const PORTS = 23;
const RING_BYTES = 4_096;
const MAX_SERIES = 8;
const ATTEMPTS = 5;
const ONLY_OPEN_AND_CLOSE = {
  ...ALL_SIGNALS.emit,
  accept: false,
  listener: false,
  retransmit: 'off',
} as const;

describe('accounting', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  function open(options: Partial<KernelOptions>): { watcher: Watcher; room: NetRoom; script: TcpScript } {
    const room = new NetRoom();
    cleanup.add(() => room.remove());
    const script = TcpScript.start(room);
    cleanup.add(() => script.stop());
    const watcher = new Watcher(options);
    cleanup.add(() => watcher.close());
    return { watcher, room, script };
  }

  async function connectOnce(script: TcpScript, listener: number, port: number): Promise<void> {
    const [client, server] = [script.next(), script.next()];
    await script.run('socket', client);
    await script.run('connect', client, port);
    await script.run('accept', server, listener);
    await script.run('close', client);
    await script.run('close', server);
  }

  test('a full ring: drained + lost = produced, and the sums are whole', async (t) => {
    const { watcher, script } = open({ ringBufferBytes: RING_BYTES, emit: ONLY_OPEN_AND_CLOSE });
    const { listener, port } = await script.listen();
    await connectOnce(script, listener, port);
    // The client's open, and two closes; connections of other programs make another attempt necessary.
    const expected = CONNECTIONS * 3;
    for (let attempt = 1; ; attempt += 1) {
      const drainedBefore = watcher.records().length;
      const [sentBefore, lostBefore] = [watcher.countAll('SENT'), watcher.countAll('LOST_RING_FULL')];
      for (let i = 0; i < CONNECTIONS; i += 1) await connectOnce(script, listener, port);
      const drained = watcher.records().length - drainedBefore;
      const sent = watcher.countAll('SENT') - sentBefore;
      const lost = watcher.countAll('LOST_RING_FULL') - lostBefore;
      t.diagnostic(`${expected} produced, ${drained} drained, ${lost} lost`);
      assert.ok(lost > 0, 'the ring was never full');
      if (attempt < ATTEMPTS && (drained !== sent || drained + lost !== expected)) continue;
      assert.equal(drained, sent);
      assert.equal(drained + lost, expected);
      assert.equal(watcher.counters.bad, 0);
      const rows = watcher.series().filter((row) => row.pid === script.pid);
      const connections = attempt * CONNECTIONS + 1;
      assert.deepEqual(
        rows.map((row) => row.sum('opened')),
        [connections, connections],
      );
      return;
    }
  });

  test('a full map: the overflow row takes the rest', async (t) => {
    const { watcher, script } = open({ maxSeries: MAX_SERIES });
    const listening = [];
    for (let i = 0; i < PORTS; i += 1) listening.push(await script.listen());
    const opened = (): number => watcher.series().reduce((sum, row) => sum + row.sum('opened'), 0);
    for (let attempt = 1; ; attempt += 1) {
      const before = opened();
      for (const { listener, port } of listening) {
        for (let i = 0; i < 3; i += 1) await connectOnce(script, listener, port);
      }
      const rows = watcher.series();
      const gained = opened() - before;
      if (attempt < ATTEMPTS && gained !== PORTS * 3 * 2) continue;
      assert.equal(gained, PORTS * 3 * 2, 'both ends of every connection');
      assert.equal(rows.length, MAX_SERIES);
      const overflow = rows.filter(({ isOverflow }) => isOverflow);
      assert.equal(overflow.length, 1);
      assert.ok((overflow[0]?.sum('opened') ?? 0) > 0);
      const full = watcher.countAll('LOST_MAP_FULL');
      t.diagnostic(`${gained} opened, ${overflow[0]?.sum('opened')} in the overflow row, ${full} counted`);
      assert.ok(full > 0);
      return;
    }
  });
});
