/** Whose a listener is when the process that called listen() is not the one that serves. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { enableBpfStats } from '../../native/index.ts';
import { ProgramReader } from '../support/kernel-stats.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { Watcher } from '../support/watcher.ts';
import { listenersAt, passAt } from './rig/listeners.ts';

const BACKLOG = 61;
const QUEUED = 7;
const PASSES = 5;
const ACCEPT_PROGRAMS = ['ws_accept_fexit2', 'ws_accept_fexit4', 'ws_accept_kprobe', 'ws_accept_sys_exit'];

/** A zombie that nobody has waited for yet has no sockets any more. */
function isGone(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return true;
  try {
    return /\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}

for (const [how, refused] of [
  ['as this kernel shows them', []],
  ['not seen', ACCEPT_PROGRAMS],
] as const)
  describe(`whose a listener is, accepts ${how}`, () => {
    const cleanup = new Cleanup();
    let room: NetNamespace;
    let script: TcpScript;
    let watcher: Watcher;

    // Not sooner: other files may run in this process.
    before(() => {
      watcher = new Watcher({}, refused);
      cleanup.add(() => watcher.close());
    });

    beforeEach(() => ({ room, script } = TcpScript.open(cleanup)));
    after(() => cleanup.run());

    /** Connections that stay in the queue. */
    const queue = async (port: number): Promise<void> => {
      for (let i = 0; i < QUEUED; i += 1) {
        const client = script.next();
        await script.run('socket', client);
        await script.run('connect', client, port);
      }
    };
    const pidsAt = (port: number): number[] => passAt(watcher, port).map(({ pid }) => pid);

    test('a daemon forks after listen(): its queue is that of who lives', async () => {
      const before = await script.run('front', 0);
      const { port } = await script.listen('listen', BACKLOG);
      assert.deepEqual(pidsAt(port), [before]);
      const pid = await script.run('daemon', 0);
      await waitFor('the first process to end', () => isGone(before));
      await queue(port);
      const [now, ...others] = passAt(watcher, port);
      assert.deepEqual(others, []);
      assert.ok(now);
      const { count, usage, limit } = now;
      assert.deepEqual(
        { pid: now.pid, count, usage, limit },
        { pid, count: 1, usage: QUEUED, limit: BACKLOG },
      );
    });

    test('who closes it leaves it to who has it open', async () => {
      const { listener, port } = await script.listen('listen', BACKLOG);
      const holder = await script.run('holder', 0);
      assert.deepEqual(pidsAt(port), [script.pid]);
      await script.run('close', listener);
      assert.deepEqual(pidsAt(port), [holder]);
      await script.run('end', 0, holder);
      assert.deepEqual(pidsAt(port), []);
    });

    test('of several that have it open it stays with one, as long as that one does', async () => {
      const { listener, port } = await script.listen('listen', BACKLOG);
      const holders: number[] = [];
      for (let i = 0; i < 3; i += 1) holders.push(await script.run('holder', 0));
      for (let i = 0; i < PASSES; i += 1) assert.deepEqual(pidsAt(port), [script.pid]);
      await script.run('close', listener);
      while (holders.length > 0) {
        const [owner = 0] = pidsAt(port);
        assert.ok(holders.includes(owner), `${owner} is none of ${holders.join(', ')}`);
        for (let i = 0; i < PASSES; i += 1) assert.deepEqual(pidsAt(port), [owner]);
        await script.run('end', 0, owner);
        holders.splice(holders.indexOf(owner), 1);
      }
      assert.deepEqual(pidsAt(port), []);
    });

    test('the files of all processes are asked only where an owner is in doubt', async () => {
      const stats = enableBpfStats();
      cleanup.add(() => stats.close());
      const reader = new ProgramReader(process.pid, ['ws_holders']);
      const runs = (): number => reader.read().get('ws_holders')?.runs ?? 0;
      const isAsking = (): boolean => {
        const before = runs();
        watcher.pass();
        return runs() > before;
      };
      const { listener, port } = await script.listen('listen', BACKLOG);
      assert.ok(isAsking(), 'a new listener');
      // What else listens on this machine may be in doubt as well, for a while.
      await waitFor('nobody to be in doubt', () => !isAsking());
      const holder = await script.run('holder', 0);
      assert.ok(isAsking(), 'another has it open');
      await waitFor('nobody to be in doubt', () => !isAsking());
      await script.run('close', listener);
      assert.ok(isAsking(), 'its owner let go of it');
      assert.deepEqual(pidsAt(port), [holder]);
      await script.run('end', 0, holder);
    });

    if (refused.length > 0) return;

    test('who accepts has it rather than who only holds it, and each accept counts once', async () => {
      const worker = TcpScript.start(room);
      cleanup.add(() => worker.stop());
      const { listener, port } = await script.listen('listen', BACKLOG);
      const [box, same] = [worker.next(), worker.next()];
      await worker.run('box', box, port);
      await script.run('give', listener, port);
      await worker.run('take', same, box);
      assert.deepEqual(pidsAt(port), [script.pid]);
      await queue(port);
      await worker.run('accept', worker.next(), same);
      // The pass that takes over what was noted of the accept may have met the listener before it.
      watcher.pass();
      assert.deepEqual(pidsAt(port), [worker.pid]);
      for (let i = 1; i < QUEUED; i += 1) await script.run('accept', script.next(), listener);
      assert.deepEqual(pidsAt(port), [worker.pid]);
      await worker.run('close', same);
      assert.deepEqual(pidsAt(port), [script.pid]);
      const rows = listenersAt(watcher, port);
      assert.deepEqual(
        rows.reduce((sum, { accepts }) => sum + accepts, 0),
        QUEUED,
      );
      assert.deepEqual(rows.map(({ pid }) => pid).sort(), [script.pid, worker.pid].sort());
    });
  });
