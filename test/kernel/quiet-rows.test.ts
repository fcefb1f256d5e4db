/** Rows that nobody uses any more are room again, and nothing is lost whenever they are taken out. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionSums } from '../../receiver/collect/connections.ts';
import { ListenerSums } from '../../receiver/collect/listeners.ts';
import { ResetSums } from '../../receiver/collect/resets.ts';
import { OWNER_INFO, OWNER_KEY, ROW_MAP } from '../../receiver/decode/generated/layout.ts';
import { OwnerTable } from '../../receiver/decode/owners.ts';
import { QuietRows } from '../../receiver/quiet-rows.ts';
import { countersOf } from '../../receiver/sweep.ts';
import { Cleanup } from '../e2e/cleanup.ts';
import { buildWorkloads, runChurn } from '../e2e/workloads.ts';
import { createHarness, type Harness } from '../unit/collect/fixture.ts';
import { startHog } from './rig/hog.ts';
import type { NetRoom } from './rig/net-room.ts';
import { TcpScript } from './rig/script.ts';
import { ALL_SIGNALS, Watcher } from './rig/watcher.ts';

const PORTS = 6_007;
const FIRST_PORT = 10_000;
const QUIET_MS = 20;

/** The agent's reading and sweeping of one kernel side. */
class Reader {
  readonly harness: Harness;
  readonly quiet: QuietRows;
  readonly #watcher: Watcher;
  readonly #connections: ConnectionSums;
  readonly #resets: ResetSums;

  constructor(watcher: Watcher) {
    const { source } = watcher;
    const owners = new OwnerTable(4_096, (key, info) => source.lookup('owners', key, info));
    this.#watcher = watcher;
    this.harness = { ...createHarness(), ownerAt: (view, at) => owners.find(view, at) };
    this.#connections = new ConnectionSums(this.harness);
    this.#resets = new ResetSums(this.harness, () => undefined);
    const parts = {
      read: (map: string) => source.read(map),
      lookup: (map: string, key: Uint8Array, value: Uint8Array) => source.lookup(map, key, value),
      takeRow: (map: string, key: Uint8Array, seen: Uint8Array) => source.takeRow(map, key, seen),
      connections: this.#connections,
      listeners: new ListenerSums(this.harness),
      counters: [countersOf('resets', { size: 8 }, this.#resets)],
    };
    this.quiet = new QuietRows(parts, QUIET_MS * 1e6);
  }

  read(): void {
    this.#connections.update(this.#watcher.source.read('series'));
    this.#resets.update(this.#watcher.source.read('resets'));
  }

  sweep(): void {
    this.read();
    this.quiet.run(Number(process.hrtime.bigint()));
  }

  /** Rows that the kernel counts as the process's, by `enum row_map`. */
  rowsOf(pid: number): number[] {
    const { count, keys, keySize, values, stride } = this.#watcher.source.read('owners');
    const key = new DataView(keys.buffer);
    const value = new DataView(values.buffer);
    const row = Array.from({ length: count }, (_, i) => i).find(
      (i) => key.getUint32(i * keySize + OWNER_KEY.pid, true) === pid,
    );
    assert.ok(row !== undefined);
    const at = row * stride + OWNER_INFO.rows;
    return Array.from({ length: ROW_MAP.ROW_MAPS }, (_, map) => value.getUint32(at + map * 4, true));
  }
}

describe('quiet rows', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  function observe(): { watcher: Watcher; room: NetRoom; reader: Reader } {
    const { room } = TcpScript.open(cleanup);
    const watcher = new Watcher({
      emit: { ...ALL_SIGNALS.emit, open: false, close: 'off', accept: false, fail: false, listener: false },
      stateDuration: false,
      filter: { include: [{ netns: room.inode }], exclude: [] },
    });
    cleanup.add(() => watcher.close());
    return { watcher, room, reader: new Reader(watcher) };
  }

  test('a process that tried 6,007 ports has its share back when it stopped', async (t) => {
    const { watcher, room, reader } = observe();
    const hog = await startHog(cleanup, room, 'refused', FIRST_PORT, PORTS);
    const mine = () => watcher.series().filter(({ pid }) => pid === hog.pid);
    const first = mine().filter(({ isOverflow }) => !isOverflow).length;
    assert.ok(first > 100 && first < PORTS, `${first} rows with their port`);
    // Two looks: a count has to stand still in between.
    for (let look = 0; look < 2; look += 1) {
      await sleep(2 * QUIET_MS);
      reader.sweep();
    }
    assert.equal(mine().length, 0);
    assert.deepEqual(reader.rowsOf(hog.pid), [0, 0, 0, 0, 0, 0]);
    await hog.again();
    const second = mine().filter(({ isOverflow }) => !isOverflow).length;
    t.diagnostic(`${first} rows, then ${second}; ${reader.quiet.removed} taken out`);
    assert.equal(second, first);
    reader.read();
    const { sink } = reader.harness;
    assert.equal(sink.total(`wirespan.tcp.connection.opened w${hog.pid} `), 2 * PORTS);
    assert.equal(sink.total(`wirespan.tcp.resets w${hog.pid} `), 2 * PORTS);
  });

  test('sums are exact while rows are taken out as soon as nobody is at them', async (t) => {
    await buildWorkloads();
    const { watcher, room, reader } = observe();
    let isDone = false;
    const churn = runChurn(601, { pairs: 8, rate: 200, netns: room.name }).finally(() => (isDone = true));
    while (!isDone) {
      reader.sweep();
      await sleep(1);
    }
    const { connections, bytesEachWay } = await churn;
    for (let look = 0; look < 2; look += 1) reader.read();
    t.diagnostic(`${reader.quiet.removed} rows taken out`);
    assert.ok(reader.quiet.removed > 100, `only ${reader.quiet.removed} rows were taken out`);
    const { sink } = reader.harness;
    const missed = watcher.source.recursionMisses().reduce((sum, { missed: each }) => sum + each, 0);
    t.diagnostic(`${missed} runs skipped by the kernel`);
    assert.equal(sink.total('wirespan.tcp.connection.opened '), 2 * connections);
    assert.equal(sink.total('wirespan.tcp.connection.closed '), 2 * connections);
    assert.equal(sink.total('wirespan.tcp.io '), 4 * bytesEachWay);
  });
});
