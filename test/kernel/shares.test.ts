/** A share of each map of sums for everybody: one process that wants all of it, and what others have then. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  DROP_KEY,
  LISTENER,
  LISTENER_KEY,
  OWNER_KEY,
  RESET_KEY,
} from '../../receiver/decode/generated/layout.ts';
import { hasDropReceiver } from '../support/kernel-abilities.ts';
import type { KernelOptions } from '../../receiver/source/kernel-options.ts';
import { Cleanup } from '../support/cleanup.ts';
import { buildWorkloads, runChurn } from '../support/workloads.ts';
import { startHog } from '../support/hog.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { onlyIn, ALL_SIGNALS, Watcher } from '../support/watcher.ts';

const CLIENT = 1;
const FIRST_PORT = 10_000;
const MAX_SERIES = 4_096;

interface Count {
  readonly pid: number;
  readonly port: number;
  readonly isOverflow: boolean;
  readonly count: number;
}

describe('shares', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  /** The programs, which see the room alone. */
  function observe(options: Partial<KernelOptions>): {
    watcher: Watcher;
    room: NetNamespace;
    script: TcpScript;
  } {
    const { room, script } = TcpScript.open(cleanup);
    const watcher = new Watcher({
      maxSeries: MAX_SERIES,
      emit: { ...ALL_SIGNALS.emit, open: false, close: 'off', accept: false, fail: false, listener: false },
      ...options,
      ...onlyIn(room),
    });
    cleanup.add(() => watcher.close());
    return { watcher, room, script };
  }

  function counts(
    { source }: Watcher,
    map: string,
    key: { readonly overflow: number; readonly server_port?: number; readonly port?: number },
    cell = 0,
  ): Count[] {
    const { count, keys, values, keySize, stride } = source.read(map);
    const view = new DataView(keys.buffer);
    const value = new DataView(values.buffer);
    return Array.from({ length: count }, (_, row) => ({
      pid: view.getUint32(row * keySize + OWNER_KEY.pid, true),
      port: view.getUint16(row * keySize + (key.server_port ?? key.port ?? 0), true),
      isOverflow: view.getUint8(row * keySize + key.overflow) !== 0,
      count: Number(value.getBigUint64(row * stride + cell, true)),
    }));
  }

  const of = <Row extends { readonly pid: number }>(rows: readonly Row[], pid: number): Row[] =>
    rows.filter((row) => row.pid === pid);
  const total = (rows: readonly { readonly count: number }[]): number =>
    rows.reduce((sum, { count }) => sum + count, 0);

  test('one process that tries 12,000 closed ports: everybody else has role and port', async (t) => {
    const { watcher, room, script } = observe({});
    const listening = [];
    for (let i = 0; i < 7; i += 1) listening.push(await script.listen());
    const hog = await startHog(cleanup, room, 'refused', FIRST_PORT, 12_000);
    for (const [i, { listener, port }] of listening.entries()) {
      const [client, server] = [script.next(), script.next()];
      await script.run('socket', client);
      await script.run('connect', client, port);
      await script.run('accept', server, listener);
      await script.run(i < 5 ? 'reset' : 'close', client);
      await script.run('close', server);
    }
    const opened = watcher.series().map((row) => ({ ...row, count: row.sum('opened') }));
    const resets = counts(watcher, 'resets', RESET_KEY);
    t.diagnostic(
      `${of(opened, hog.pid).length} rows of ${opened.length}, ${of(resets, hog.pid).length} of resets`,
    );
    const mine = of(opened, script.pid).filter(({ role, count }) => role === CLIENT && count > 0);
    assert.deepEqual(
      mine.map(({ port, count, isOverflow }) => [port, count, isOverflow]).sort(),
      listening.map(({ port }) => [port, 1, false]).sort(),
    );
    assert.equal(total(of(opened, script.pid)), 14, 'both ends');
    // Sent by one end and received by the other.
    assert.equal(total(of(resets, script.pid)), 10);
    assert.ok(of(resets, script.pid).every(({ isOverflow, port }) => !isOverflow && port > 0));
    // What was too many is the hog's, and nobody's but.
    assert.equal(total(of(opened, hog.pid)), 12_000);
    assert.equal(total(of(resets, hog.pid)), 12_000);
    for (const rows of [opened, resets]) {
      assert.ok(total(of(rows, hog.pid).filter(({ isOverflow }) => isOverflow)) > 0);
      assert.equal(total(of(rows, 0).filter(({ isOverflow }) => isOverflow)), 0);
    }
    assert.ok(watcher.count('PROBE_STATE', 'LOST_MAP_FULL') > 0);
  });

  test('20,000 peers of one process: 2,000 others have role and port', async (t) => {
    await buildWorkloads();
    const { watcher, room } = observe({ maxSeries: 16_384, maxOwners: 16_384, peerAddress: 'all' });
    const netns = room.name;
    await runChurn(20_000, { destinations: 20_000, netns });
    const { ports } = await runChurn(2_000, { destinations: 50, isShort: true, netns });
    const rows = watcher.series().map((row) => ({ ...row, count: row.sum('opened') }));
    const others = rows.filter(({ port, role }) => role === CLIENT && ports.includes(port));
    t.diagnostic(`${rows.length} rows, ${others.length} of the others`);
    assert.equal(new Set(others.map(({ pid }) => pid)).size, 2_000);
    assert.equal(total(others), 2_000);
    assert.equal(total(rows), 2 * 22_000);
    const overflow = rows.filter(({ pid, isOverflow }) => isOverflow && pid === 0);
    assert.equal(total(overflow), 0, 'nothing is on the host');
  });

  test('one process that listens at 5,000 ports, and drops at all of them', async (t) => {
    const { watcher, room, script } = observe({ details: { ...ALL_SIGNALS.details, dropPort: true } });
    const hog = await startHog(cleanup, room, 'listen', FIRST_PORT, 5_000);
    const listening = [];
    for (let i = 0; i < 3; i += 1) listening.push((await script.listen()).port);
    watcher.pass();
    const rows = counts(watcher, 'listeners', LISTENER_KEY, LISTENER.count);
    t.diagnostic(`${of(rows, hog.pid).length} rows of ${rows.length}`);
    assert.equal(total(of(rows, hog.pid)), 5_000);
    assert.equal(total(of(rows, hog.pid).filter(({ isOverflow }) => isOverflow)) > 0, true);
    assert.deepEqual(
      of(rows, script.pid)
        .map(({ port, count }) => [port, count])
        .sort(),
      listening.map((port) => [port, 1]).sort(),
    );
    if (!hasDropReceiver(watcher.source.plan)) return t.diagnostic('drops have no listener on this kernel');
    await startHog(cleanup, room, 'noise', FIRST_PORT, 5_000);
    for (const port of listening) await startHog(cleanup, room, 'noise', port, 1);
    const drops = counts(watcher, 'drops', DROP_KEY);
    t.diagnostic(`${of(drops, hog.pid).length} rows of ${drops.length} of drops`);
    assert.equal(total(of(drops, hog.pid)), 5_000);
    assert.deepEqual(
      of(drops, script.pid)
        .map(({ port, count }) => [port, count])
        .sort(),
      listening.map((port) => [port, 1]).sort(),
    );
  });
});
