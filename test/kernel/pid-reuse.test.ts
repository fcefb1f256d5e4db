/** Pids that were given out again: the start time says whose a row is. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { connectionRows } from '../../receiver/signals/connection/owned-rows.ts';
import { ConnectionSums } from '../../receiver/signals/connection/sums.ts';
import { listenerRows } from '../../receiver/signals/listener/owned-rows.ts';
import { ListenerSums } from '../../receiver/signals/listener/sums.ts';
import { OwnerTable } from '../../receiver/decode/owners.ts';
import { createProcessReader } from '../../receiver/host/process-reader.ts';
import type { Owner } from '../../receiver/model/resource.ts';
import { Sweep } from '../../receiver/agent/sweep.ts';
import { Cleanup } from '../support/cleanup.ts';
import { createHarness } from '../support/sums-harness.ts';
import { hold } from './rig/held.ts';
import { openStage } from './rig/stage.ts';
import { TcpScript } from '../support/script.ts';
import { talk } from './rig/talk.ts';
import type { Watcher } from '../support/watcher.ts';

const PROCESSES = 30;
/** Past every time that a row waits for its last closes. */
const LATER_NS = 300e9;

describe('a pid that was given out again', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  function sweepOf({ source }: Watcher, retired: string[]): { owners: OwnerTable; run(): void } {
    const owners = new OwnerTable(4096, (key, info) => source.lookup('owners', key, info));
    const context = { ...createHarness(), ownerAt: (view: DataView, at: number) => owners.find(view, at) };
    const connections = new ConnectionSums(context);
    const listeners = new ListenerSums(context);
    const sweep = new Sweep({
      kernel: source,
      maps: [
        { map: 'series', update: (image) => connections.update(image), rows: connectionRows(connections) },
        { map: 'listeners', update: (image) => listeners.update(image), rows: listenerRows(listeners) },
      ],
      owners,
      resources: {
        resolve: ({ pid, startNs }) => ({ id: `${pid}:${startNs}`, kind: 'workload' }),
        forget: () => undefined,
      },
      store: { retire: (id) => retired.push(id) },
    });
    return {
      owners,
      run: () => {
        connections.update(source.read('series'));
        listeners.update(source.read('listeners'));
        sweep.run(Number(process.hrtime.bigint()) + LATER_NS);
      },
    };
  }

  const ownersIn = ({ source }: Watcher, owners: OwnerTable): Owner[] => {
    const { count, keys, keySize } = source.read('owners');
    const view = new DataView(keys.buffer, keys.byteOffset);
    return Array.from({ length: count }, (_, row) => owners.find(view, row * keySize));
  };

  test('keeps nobody alive who ended', async () => {
    const { watcher, room, script } = await openStage(cleanup);
    const retired: string[] = [];
    const { owners, run } = sweepOf(watcher, retired);
    const pids: number[] = [];
    for (let i = 0; i < PROCESSES; i += 1) {
      const client = TcpScript.start(room);
      await talk(client, 1, { acceptor: script });
      await client.stop();
      pids.push(client.pid);
    }
    const ended = ownersIn(watcher, owners).filter(({ pid }) => pids.includes(pid));
    assert.equal(ended.length, PROCESSES);
    const taker = await hold(cleanup, 'take-pid', pids);
    assert.ok(pids.every((pid) => existsSync(`/proc/${pid}`)));
    const reader = createProcessReader('/proc');
    assert.deepEqual(
      ended.filter((owner) => reader.read(owner) !== undefined),
      [],
    );
    run();
    assert.deepEqual(
      ended.filter(({ pid, startNs }) => !retired.includes(`${pid}:${startNs}`)),
      [],
    );
    const left = ownersIn(watcher, owners).map(({ pid }) => pid);
    assert.deepEqual(
      pids.filter((pid) => left.includes(pid)),
      [],
    );
    assert.ok(left.includes(script.pid), 'who lives has its row');
    await taker.release();
  });
});
