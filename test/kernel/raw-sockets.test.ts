/** Raw sockets with TCP's protocol: they get a copy of each segment, and are no TCP sockets. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { hasDropReceiver } from '../support/kernel-abilities.ts';
import { OWNER_KEY } from '../../receiver/decode/generated/layout.ts';
import { Cleanup } from '../support/cleanup.ts';
import { DropStage, gained } from '../support/drop-stage.ts';
import { hold, type Held } from './rig/held.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { Watcher } from '../support/watcher.ts';

const SOCKETS = 8;
const CONNECTIONS = 101;
const REASON = 'socket_filter';

describe('raw sockets of TCP', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  const inRoom = ({ name }: NetNamespace): string[] => ['ip', 'netns', 'exec', name];
  describe('older than the programs', () => {
    let room: NetNamespace;
    let held: Held;
    let watcher: Watcher;
    before(async () => {
      room = new NetNamespace();
      cleanup.add(() => room.remove());
      held = await hold(cleanup, 'raw-socket', [SOCKETS], inRoom(room));
      watcher = new Watcher();
      cleanup.add(() => watcher.close());
    });

    test('are no connections', async () => {
      assert.equal(readFileSync(`/proc/${held.pid}/net/raw`, 'utf8').trim().split('\n').length, SOCKETS + 1);
      watcher.pass();
      const rows = watcher.series().filter(({ pid }) => pid === held.pid);
      assert.deepEqual(
        rows.map(({ sum }) => sum('active')),
        [],
      );
      const { count, keys, keySize } = watcher.source.read('owners');
      const view = new DataView(keys.buffer, keys.byteOffset);
      const pids = Array.from({ length: count }, (_, i) => view.getUint32(i * keySize + OWNER_KEY.pid, true));
      assert.ok(!pids.includes(held.pid), 'its process has no row');
      await held.release();
      watcher.close();
    });
  });

  test('what they do not take is no TCP packet that was dropped', async (t) => {
    const stage = await DropStage.open(cleanup);
    if (!hasDropReceiver(stage.watcher.source.plan))
      return t.skip('needs the receiving socket of a drop (6.11)');
    await hold(cleanup, 'raw-socket', [SOCKETS], inRoom(stage.room));
    const [own, nobodys] = [stage.sums(stage.script.pid), stage.sums(0)];
    for (let i = 0; i < CONNECTIONS; i += 1) await stage.close(await stage.connect());
    const dropped = stage.truth().get(REASON) ?? 0;
    // Three segments of the handshake, and each socket gets a copy.
    assert.ok(dropped >= 3 * CONNECTIONS * SOCKETS, `${dropped} copies dropped`);
    assert.equal(gained(own, stage.sums(stage.script.pid))[REASON] ?? 0, 0);
    assert.equal(gained(nobodys, stage.sums(0))[REASON] ?? 0, 0);
    assert.deepEqual(
      stage.records().filter(({ reason }) => stage.reasonName(reason) === REASON),
      [],
    );
  });
});
