/** Accepted by io_uring: whoever submitted it accepts, whichever of its threads does the work. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { LISTENER, LISTENER_KEY } from '../../receiver/decode/generated/layout.ts';
import { METRIC_TCP_ACCEPT_QUEUE_DURATION } from '../../semconv/index.ts';
import { projectFolder } from '../backends/place.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { Watcher } from '../support/watcher.ts';

const PROGRAM = join(projectFolder, 'build', 'test', 'kernel', 'ring-accept');
/** Connections that wait before the first accept, and those that come when it waits already. */
const [QUEUED, LATER] = [5, 6];
const ALL = QUEUED + LATER;
const SERVER = 2;
const KINDS = ['inline', 'worker', 'poller'] as const;
const SHOTS = ['single', 'multishot'] as const;

/** Why the kernel refuses io_uring to this process; false when it does not. */
function whyNoRing(): string | false {
  const path = '/proc/sys/kernel/io_uring_disabled'; // Linux 6.6
  let setting = '0';
  try {
    setting = readFileSync(path, 'utf8').trim();
  } catch {
    return false;
  }
  return setting === '2' && `needs io_uring: ${path} is 2`;
}

describe('accepts by io_uring', { skip: whyNoRing() }, () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let watcher: Watcher;

  before(() => {
    execFileSync('make', ['-s', '-C', join(projectFolder, 'test', 'kernel')]);
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    watcher = new Watcher();
    cleanup.add(() => watcher.close());
  });
  after(() => cleanup.run());

  /** Plays it until `whileOpen` is through; resolves when both processes have ended. */
  async function play(
    kind: string,
    shot: string,
    whileOpen: (port: number, pid: number) => void,
  ): Promise<{ port: number; pid: number }> {
    const args = ['netns', 'exec', room.name, PROGRAM, kind, shot, String(QUEUED), String(LATER)];
    const child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const closed = once(child, 'close');
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    try {
      const [port = 0, pid = 0] = String((await lines.next()).value)
        .split(' ')
        .map(Number);
      assert.equal((await lines.next()).value, 'accepted');
      whileOpen(port, pid);
      return { port, pid };
    } finally {
      child.stdin.end();
      await closed;
    }
  }

  /** Values of the time in the accept queue. */
  function waits(port: number): number {
    const { count, keys, values, keySize, stride } = watcher.source.read('listeners');
    const [key, value] = [new DataView(keys.buffer), new DataView(values.buffer)];
    const buckets = (METRIC_TCP_ACCEPT_QUEUE_DURATION.boundaries?.length ?? 0) + 1;
    let sum = 0n;
    for (let row = 0; row < count; row += 1) {
      if (key.getUint16(row * keySize + LISTENER_KEY.port, true) !== port) continue;
      for (let i = 0; i < buckets; i += 1)
        sum += value.getBigUint64(row * stride + LISTENER.accept_wait + i * 8, true);
    }
    return Number(sum);
  }

  for (const kind of KINDS)
    for (const shot of SHOTS)
      test(`${kind}, ${shot}`, async () => {
        const isSeen = ['fexit', 'kprobe'].includes(watcher.source.plan.accept);
        const { port, pid } = await play(kind, shot, (port) => {
          watcher.pass();
          const accepts = watcher.connections(room.inode, port).filter((record) => record.kind === 'accept');
          assert.equal(accepts.length, isSeen ? ALL : 0);
          assert.equal(waits(port), isSeen ? ALL : 0);
        });
        const records = watcher.connections(room.inode, port).filter(({ kind }) => kind !== 'open');
        assert.equal(records.filter((record) => record.kind === 'close').length, ALL);
        assert.deepEqual(new Set(records.map(({ owner }) => owner.pid)), new Set([pid]));
        assert.deepEqual(new Set(records.map(({ owner }) => owner.command)), new Set(['ring-accept']));
        const rows = watcher.series().filter((row) => row.port === port && row.role === SERVER);
        // Until its acceptor shows itself, a connection is its listener's: that row has no opening.
        const opened = rows.map((row) => [row.pid, row.sum('opened')]).filter(([, count]) => count !== 0);
        assert.deepEqual(opened, [[pid, ALL]]);
      });
});
