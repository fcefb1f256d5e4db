/** A CPU that stands still in the midst of a program, as in a virtual machine: a pass and a connect() that meet have the same sums. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { projectFolder } from '../backends/place.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { onlyIn, Watcher } from '../support/watcher.ts';
import { churnTruth, playChurn } from './rig/churn.ts';

const KERNEL_TESTS = join(projectFolder, 'test', 'kernel');
const CONNECTIONS = 2_003;
/** So long a server leaves its connections alone, which are established meanwhile. */
const ASK_US = 800;
/** A pass stands still for longer than a connect(), so that the connection is established when it goes on. */
const STALLS = { connectNs: 300_000n, passNs: 500_000n } as const;

/** The members of `struct stalls`. */
function stallsOf({ inode }: NetNamespace): Uint8Array {
  const view = new DataView(new ArrayBuffer(24));
  view.setBigUint64(0, STALLS.connectNs, true);
  view.setBigUint64(8, STALLS.passNs, true);
  view.setUint32(16, inode, true);
  return new Uint8Array(view.buffer);
}

describe('CPUs that stand still', () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let watcher: Watcher;

  before(() => {
    execFileSync('make', ['-s', '-C', KERNEL_TESTS]);
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    watcher = new Watcher(onlyIn(room), [], join(projectFolder, 'build', 'test', 'kernel', 'stalled.bpf.o'));
    cleanup.add(() => watcher.close());
    watcher.source.update('stalls', new Uint8Array(4), stallsOf(room));
  });
  after(() => cleanup.run());

  test('a pass that meets a connect(): each connection has its end, once', async (t) => {
    let passes = 0;
    const meanwhile = (): void => {
      watcher.pass();
      passes += 1;
    };
    assert.deepEqual(
      await playChurn(watcher, room, CONNECTIONS, { askUs: ASK_US, meanwhile }),
      churnTruth(CONNECTIONS),
    );
    t.diagnostic(`${String(passes)} passes`);
    assert.ok(passes > 1);
    assert.equal(watcher.needlessRepairs(), 0);
  });
});
