/** Whenever rows are taken out, nothing is lost that programs add meanwhile. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cleanup } from '../support/cleanup.ts';
import { buildWorkloads, runChurn } from '../support/workloads.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { SumsReader } from './rig/sums-reader.ts';
import { onlyIn, ALL_SIGNALS, Watcher } from '../support/watcher.ts';

/** Each of eight clients connects ten times a second: its rows are quiet in between. */
const QUIET_MS = 50;
const CONNECTIONS = 401;
const RATE = 80;

describe('rows taken out while programs run', () => {
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

  test('sums are exact while rows are taken out as soon as nobody is at them', async (t) => {
    await buildWorkloads();
    const { watcher, room, reader } = observe();
    let isDone = false;
    const churn = runChurn(CONNECTIONS, { pairs: 8, rate: RATE, netns: room.name }).finally(
      () => (isDone = true),
    );
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
