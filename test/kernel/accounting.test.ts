/** Nothing is lost silently: full ring, full map. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import type { KernelOptions } from '../../receiver/source/kernel-options.ts';
import { TcpScript } from '../support/script.ts';
import { ALL_SIGNALS, Watcher } from '../support/watcher.ts';

const CONNECTIONS = 101;
const PORTS = 23;
const ROUNDS = 3;
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

  /** The programs with too little room, and a second time with enough: what the whole host really did. */
  async function open(small: Partial<KernelOptions>, both: Partial<KernelOptions> = {}) {
    const { script } = TcpScript.open(cleanup);
    const watcher = new Watcher({ ...both, ...small });
    cleanup.add(() => watcher.close());
    const reference = new Watcher(both);
    cleanup.add(() => reference.close());
    return { watcher, reference, script };
  }

  async function connectOnce(script: TcpScript, listener: number, port: number): Promise<void> {
    const [client, server] = [script.next(), script.next()];
    await script.run('socket', client);
    await script.run('connect', client, port);
    await script.run('accept', server, listener);
    await script.run('close', client);
    await script.run('close', server);
  }

  const openedBy = (watcher: Watcher, pid?: number): number =>
    watcher
      .series()
      .filter((row) => pid === undefined || row.pid === pid)
      .reduce((sum, row) => sum + row.sum('opened'), 0);

  test('a full ring: drained + lost = produced, and the sums are whole', async (t) => {
    const { watcher, reference, script } = await open(
      { ringBufferBytes: RING_BYTES },
      { emit: ONLY_OPEN_AND_CLOSE },
    );
    const { listener, port } = await script.listen();
    await connectOnce(script, listener, port);
    const read = () => ({
      drained: watcher.records().length,
      sent: watcher.countAll('SENT'),
      lost: watcher.countAll('LOST_RING_FULL'),
      produced: reference.records().length,
      referenceLost: reference.countAll('LOST_RING_FULL'),
    });
    for (let attempt = 1; ; attempt += 1) {
      const before = read();
      for (let i = 0; i < CONNECTIONS; i += 1) await connectOnce(script, listener, port);
      const now = read();
      const [drained, lost] = [now.drained - before.drained, now.lost - before.lost];
      const produced = now.produced - before.produced;
      t.diagnostic(`${produced} produced, ${drained} drained, ${lost} lost`);
      assert.ok(lost > 0, 'the ring was never full');
      assert.equal(now.referenceLost, 0, 'the other ring is large enough');
      assert.equal(watcher.counters.bad, 0);
      // The client's open, and two closes. Others' events between two reads call for another attempt.
      assert.ok(produced >= CONNECTIONS * 3);
      if (attempt < ATTEMPTS && drained + lost !== produced) continue;
      assert.equal(drained + lost, produced);
      assert.equal(drained, now.sent - before.sent);
      assert.equal(openedBy(watcher, script.pid), (attempt * CONNECTIONS + 1) * 2, 'the sums are whole');
      return;
    }
  });

  test('a full map: overflow rows take the rest', async (t) => {
    const { watcher, reference, script } = await open({ maxSeries: MAX_SERIES });
    const listening = [];
    for (let i = 0; i < PORTS; i += 1) listening.push(await script.listen());
    for (let attempt = 1; ; attempt += 1) {
      const before = [openedBy(watcher), openedBy(reference)] as const;
      for (const { listener, port } of listening) {
        for (let i = 0; i < ROUNDS; i += 1) await connectOnce(script, listener, port);
      }
      const [opened, truth] = [openedBy(watcher) - before[0], openedBy(reference) - before[1]];
      assert.equal(openedBy(reference, script.pid), attempt * PORTS * ROUNDS * 2, 'both ends of every one');
      // Others' connections between two reads call for another attempt.
      if (attempt < ATTEMPTS && opened !== truth) continue;
      assert.equal(opened, truth);
      const rows = watcher.series();
      assert.ok(rows.length <= MAX_SERIES, `${rows.length} rows`);
      const swallowed = rows
        .filter(({ isOverflow }) => isOverflow)
        .reduce((sum, row) => sum + row.sum('opened'), 0);
      const full = watcher.countAll('LOST_MAP_FULL');
      t.diagnostic(`${opened} opened, ${swallowed} in overflow rows, ${full} counted`);
      assert.ok(full >= swallowed);
      assert.ok(swallowed >= (PORTS * 2 - MAX_SERIES) * ROUNDS);
      return;
    }
  });
});
