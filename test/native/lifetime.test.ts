import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';

import { BpfSession } from '../../native/index.ts';
import { REFUSED_OBJECT, bpfDescriptors, programsInKernel, skip, startProbe, trigger } from './probe.ts';

const HOLDER = fileURLToPath(new URL('./holding-worker.ts', import.meta.url));
const NODE_ARGS = ['--expose-gc', '--no-warnings'];
const run = promisify(execFile);

/** The program id that a holder told; fails when it ended without. */
function idIn(told: unknown[]): number {
  const id = /^id (\d+)/.exec(String(told[0]))?.[1];
  assert.ok(id !== undefined, `the holder ended early: ${String(told[0])}`);
  return Number(id);
}

/** The kernel frees programs after a grace period: waits for it, and fails only when it never ends. */
async function assertGone(ids: readonly number[]): Promise<void> {
  for (let i = 0; i < 100; i += 1) {
    const present = new Set(programsInKernel());
    if (!ids.some((id) => present.has(id))) return;
    await sleep(50);
  }
  assert.fail(`programs ${ids.join(', ')} are still in the kernel`);
}

test('after close nothing of the session is left in the kernel or the process', { skip }, async () => {
  const before = bpfDescriptors();
  const ids: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const session = startProbe({ wake: true });
    const ring = session.ring('records');
    ring.onReadable(() => undefined);
    trigger(101);
    session.runIterator('wsn_tasks', new Uint8Array(1 << 20));
    ids.push(session.programStats('wsn_count').id);
    assert.ok(programsInKernel().includes(ids.at(-1) ?? -1));
    session.close();
  }
  assert.equal(bpfDescriptors(), before);
  await assertGone(ids);
});

test('after a failed load nothing is left either', { skip }, () => {
  const before = bpfDescriptors();
  const session = BpfSession.open(REFUSED_OBJECT);
  assert.throws(() => session.load());
  session.close();
  session.close();
  assert.equal(bpfDescriptors(), before);
});

test('two sessions of one object do not see each other', { skip }, () => {
  using first = startProbe();
  using second = startProbe();
  first.detach('wsn_count');
  trigger(13);
  const buffer = new Uint8Array(4096);
  assert.equal(first.ring('records').drain(buffer), 0);
  assert.ok(second.ring('records').drain(buffer) > 0);
  assert.notEqual(first.mapId('records'), second.mapId('records'));
});

for (const how of ['close', 'forget', 'exit', 'throw', 'kill'] as const) {
  test(`a process that ends by ${how} leaves nothing in the kernel`, { skip }, async () => {
    const child = spawn(process.execPath, [...NODE_ARGS, HOLDER, how], { stdio: ['ignore', 'pipe', 'pipe'] });
    const exited = once(child, 'exit');
    const id = idIn(await Promise.race([once(child.stdout, 'data'), exited]));
    if (how === 'kill') child.kill('SIGKILL');
    const [code, signal] = (await exited) as [number | null, string | null];
    assert.equal(signal, how === 'kill' ? 'SIGKILL' : null);
    if (how !== 'kill') assert.equal(code, how === 'throw' ? 1 : 0);
    await assertGone([id]);
  });
}

test('the garbage collector closes a session that nobody refers to', { skip }, async () => {
  const { stdout } = await run(process.execPath, [...NODE_ARGS, HOLDER, 'collect']);
  assert.equal(stdout.trim().split('\n').at(-1), 'collected');
});

for (const how of ['close', 'forget', 'exit', 'terminate'] as const) {
  test(`a worker that ends by ${how} leaves nothing and crashes nothing`, { skip }, async () => {
    const before = bpfDescriptors();
    const ids: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const worker = new Worker(HOLDER, { argv: [how] });
      const exited = once(worker, 'exit');
      ids.push(idIn(await Promise.race([once(worker, 'message'), exited])));
      if (how === 'terminate') await worker.terminate();
      else await exited;
    }
    assert.equal(bpfDescriptors(), before);
    await assertGone(ids);
  });
}
