/** Rows that nobody uses any more are room again. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cleanup } from '../support/cleanup.ts';
import { startHog } from '../support/hog.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { SumsReader } from './rig/sums-reader.ts';
import { onlyIn, ALL_SIGNALS, Watcher } from '../support/watcher.ts';

const PORTS = 6_007;
const FIRST_PORT = 10_000;
const QUIET_MS = 50;

describe('quiet rows', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  function observe(): { watcher: Watcher; room: NetNamespace; reader: SumsReader } {
    const { room } = TcpScript.open(cleanup);
    const watcher = new Watcher({
      emit: { ...ALL_SIGNALS.emit, open: false, close: 'off', accept: false, fail: false, listener: false },
      stateDuration: false,
      ...onlyIn(room),
    });
    cleanup.add(() => watcher.close());
    return { watcher, room, reader: new SumsReader(watcher, QUIET_MS) };
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
});
