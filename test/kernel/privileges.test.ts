/** Which capabilities loading takes, which are needed afterwards, and that each thread has no others then. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kernelHasType } from '../../native/index.ts';
import { capabilityMask } from '../../native/capabilities.ts';
import { NODE_OPTIONS } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import type { Reduced } from './rig/reduced.ts';

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, 'rig', 'reduced.ts');
/** libbpf looks for it in modules where the kernel does not have it (before 6.2), which takes one more. */
const LOADING = [
  'CAP_BPF',
  'CAP_PERFMON',
  ...(kernelHasType('func', 'bpf_rdonly_cast') ? [] : ['CAP_SYS_ADMIN']),
];
const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups'];

/** `setpriv` arguments: these capabilities and no others, now and after execve. */
function only(capabilities: readonly string[]): string[] {
  const list = ['-all', ...capabilities.map((name) => `+${name.slice('CAP_'.length).toLowerCase()}`)].join(
    ',',
  );
  return [`--inh-caps=${list}`, `--ambient-caps=${list}`, `--bounding-set=${list}`];
}

describe('privileges', () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let pid = 0;

  before(async () => {
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    const other = spawn('ip', ['netns', 'exec', room.name, 'setpriv', ...NOBODY, 'sleep', '600'], {
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => other.once('close', resolve));
    cleanup.add(async () => {
      other.kill('SIGKILL');
      await ended;
    });
    pid = other.pid ?? 0;
    const isThere = async (): Promise<boolean> =>
      (await run('cat', [`/proc/${pid}/comm`])).stdout.trim() === 'sleep';
    await waitFor('the other process', isThere);
  });
  after(() => cleanup.run());

  async function reduce(setpriv: readonly string[]): Promise<Reduced> {
    const node = [process.execPath, ...NODE_OPTIONS.arguments, PROGRAM, String(pid), String(room.inode)];
    const { stdout } = await run('setpriv', [...setpriv, ...node]);
    return JSON.parse(stdout) as Reduced;
  }

  /** Every thread has the kept ones alone, and there is more than one. */
  function checkThreads({ kept, threads }: Reduced, bounding: readonly string[]): void {
    const set = (names: readonly string[]): string => capabilityMask(names).toString(16).padStart(16, '0');
    assert.ok(threads.length > 1);
    for (const thread of threads)
      assert.deepEqual(thread, {
        CapInh: set([]),
        CapPrm: set(kept),
        CapEff: set(kept),
        CapBnd: set(bounding),
        CapAmb: set([]),
        NoNewPrivs: '1',
      });
  }

  test('CAP_BPF and CAP_PERFMON load everything; CAP_BPF does the rest, without other users', async () => {
    const reduced = await reduce([...only(LOADING), '--']);
    assert.deepEqual(reduced.failed, []);
    assert.deepEqual(reduced.kept, ['CAP_BPF']);
    assert.deepEqual(reduced.others, []);
    // Without CAP_SETPCAP the bounding set cannot be changed; with "no new privileges" it gives nothing.
    checkThreads(reduced, LOADING);
  });

  test('an ordinary user with the two capabilities for other users as well', async () => {
    const start = [...LOADING, 'CAP_DAC_READ_SEARCH', 'CAP_SYS_PTRACE'];
    const reduced = await reduce([...NOBODY, ...only(start), '--']);
    assert.deepEqual(reduced.failed, []);
    assert.deepEqual(reduced.kept, ['CAP_DAC_READ_SEARCH', 'CAP_SYS_PTRACE', 'CAP_BPF']);
    assert.deepEqual(reduced.others, ['environ', 'exe', 'counters', 'addresses']);
    checkThreads(reduced, start);
  });
});
