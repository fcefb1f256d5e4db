import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const INDEX = new URL('../../native/index.ts', import.meta.url).href;
const STATUS = 7;

/** The main thread waits for what never comes, as a join does in Node's own exit. */
const stuck = (load: string): string => `
  import { endWithin, monotonicToRealtime } from '${INDEX}';
  ${load}
  endWithin(${STATUS}, 1);
  process.stdout.write('asked\\n', () =>
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20_000));
`;

/** How it ended, and whether it had to be ended. */
async function end(program: string, killAfterMs: number): Promise<readonly unknown[]> {
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '-e', program];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  const ended = (await exited) as readonly unknown[];
  clearTimeout(timer);
  return ended;
}

test('a process whose main thread waits for ever ends with its status', async () => {
  assert.deepEqual(await end(stuck('monotonicToRealtime();'), 15_000), [STATUS, null]);
});

test('without the addon nothing is asked', async () => {
  assert.deepEqual(await end(stuck(''), 3_000), [null, 'SIGKILL']);
});
