import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { skip } from './probe.ts';

const run = promisify(execFile);
const NATIVE = fileURLToPath(new URL('../../native/index.ts', import.meta.url));
const PRIVILEGES = fileURLToPath(new URL('../../native/capabilities.ts', import.meta.url));

/** In a process of its own, since what is given up does not come back. */
async function inProcess(flags: readonly string[], keep: readonly string[]): Promise<unknown> {
  const script = `
    import { readFile, readdirSync } from 'node:fs';
    const { hideMemory, reduceCapabilities } = await import(${JSON.stringify(NATIVE)});
    const { readPrivileges } = await import(${JSON.stringify(PRIVILEGES)});
    // Starts the threads of the pool.
    await new Promise((resolve) => readFile('/proc/self/comm', resolve));
    hideMemory();
    const kept = reduceCapabilities(${JSON.stringify(keep)});
    const threads = readdirSync('/proc/self/task').map((thread) => readPrivileges(Number(thread)));
    const text = (key, value) => (typeof value === 'bigint' ? String(value) : value);
    console.log(JSON.stringify({ kept, threads }, text));`;
  const args = ['--no-warnings', ...flags, '--input-type=module', '-e', script];
  const { stdout } = await run(process.execPath, args);
  return JSON.parse(stdout) as unknown;
}

test('every thread keeps what is asked for and no more', { skip }, async () => {
  const answer = await inProcess(['--disable-sigusr1'], ['CAP_BPF', 'CAP_SYSLOG']);
  const { kept, threads } = answer as { kept: string[]; threads: Record<string, unknown>[] };
  assert.deepEqual(kept, ['CAP_SYSLOG', 'CAP_BPF']);
  assert.ok(threads.length > 4, `${threads.length} threads`);
  const mask = String((1n << 34n) | (1n << 39n));
  for (const thread of threads)
    assert.deepEqual(thread, {
      permitted: mask,
      effective: mask,
      inheritable: '0',
      ambient: '0',
      noNewPrivileges: true,
    });
});

test('a thread that takes no signal is an error that says what to do', { skip }, async () => {
  await assert.rejects(inProcess([], ['CAP_BPF']), /thread 'SignalInspector'.*--disable-sigusr1/);
});
