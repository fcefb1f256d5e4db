/**
 * The kernel tests on stock Debian kernels, in virtual machines: the variants that other kernels need. QEMU
 * emulates the CPU, so this runs where there is no KVM; both machines run side by side.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { projectFolder } from '../backends/place.ts';
import { readTap, type TapTest } from './rig/tap.ts';

const KERNELS = ['6.1', '6.12'] as const;
type Kernel = (typeof KERNELS)[number];
const IS_ALL = process.env['WIRESPAN_TEST_VM'] === 'all';
/** What is seen by most differs between the two; `plan` loads every program, and its substitutes. */
const ON_BOTH = ['plan', 'accepts', 'attempts', 'passes'];
/** What they load is tried by `plan` on each, and what it sees by these on one. */
const ON_ONE: Readonly<Record<Kernel, readonly string[]>> = {
  '6.1': [
    'announcements',
    'close-errors',
    'counters',
    'lifecycle',
    'lost-syns',
    'next-connects',
    'older-requests',
    'refusals',
    'reset-capture',
    'retransmits',
    'ring-accepts',
    'served-requests',
    'taken',
  ],
  '6.12': [
    'exec-names',
    'fast-open',
    'half-closed',
    'mptcp',
    'request-edges',
    'resets',
    'retransmit-causes',
    'skipped',
    'syn-requests',
    'unowned-drops',
  ],
};
/** The same is asked of these by hand, with WIRESPAN_TEST_VM=all: then each file runs on both. */
const BY_HAND = [
  'announcement-values',
  'crossed-opens',
  'deferred-accepts',
  'exchanges',
  'filter-cgroups',
  'handed-over',
  'http2',
  'http2-partial',
  'listener-holders',
  'mptcp-accepts',
  'older-half-closed',
  'opened-for',
  'opt-in-attributes',
  'originals',
  'outliers',
  'privileges',
  'quiet-rows',
  'receive',
  'request-chunks',
  'request-circle',
  'served-bounds',
  'socket-stats',
  'thread-layouts',
  'tracked-sockets',
  'viewed-records',
];

function filesFor(kernel: Kernel): string[] {
  const others = IS_ALL ? [...Object.values(ON_ONE).flat(), ...BY_HAND] : ON_ONE[kernel];
  return [...ON_BOTH, ...others].map((name) => `test/kernel/${name}.test.ts`);
}

/** Emulated, both at once: some 700 s on two cores that do nothing else. What hangs is given up. */
const LIMIT_S = IS_ALL ? 3600 : 1800;
const RUN = join(projectFolder, 'test', 'kernel', 'vm', 'run.sh');

const GUEST_ENV = { WIRESPAN_TEST_CHURN: '503', WIRESPAN_TEST_EMULATED: 'yes' };

/** Why there is no virtual machine here; false when there is. */
function whySkip(): string | false {
  if (process.arch !== 'x64') return `stock kernels are tried on x64 only, this is ${process.arch}`;
  const install = `import('${join(projectFolder, 'scripts', 'packages.mjs')}').then((m) => m.ensurePackages(['vm']))`;
  try {
    execFileSync(process.execPath, ['--input-type=module', '-e', install], { stdio: 'pipe' });
    for (const kernel of KERNELS) execFileSync(RUN, ['fetch', kernel], { stdio: 'pipe' });
    return false;
  } catch (error) {
    const { stderr } = error as { stderr?: Buffer };
    const line =
      stderr
        ?.toString()
        .split('\n')
        .find((text) => /\w/.test(text)) ?? String(error);
    return `no virtual machine: ${line.trim()}`;
  }
}

interface Outcome {
  readonly status: number | null;
  readonly output: string;
  readonly tests: readonly TapTest[];
}

/** Runs the test files in a machine with this kernel. */
async function runIn(kernel: Kernel, files: readonly string[]): Promise<Outcome> {
  const out = join(projectFolder, 'build', 'test', `vm-${kernel}`);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const runner = [process.execPath, '--test', '--test-isolation=none', `--test-timeout=${LIMIT_S * 1000}`];
  const reporter = ['--test-reporter=tap', `--test-reporter-destination=${join(out, 'results.tap')}`];
  const variables = Object.keys(GUEST_ENV).flatMap((name) => ['-e', name]);
  const args = ['run', '-k', kernel, '-t', String(LIMIT_S), '-o', out, ...variables, '--'];
  const child = spawn(RUN, [...args, ...runner, ...reporter, ...files], {
    cwd: projectFolder,
    env: { ...process.env, ...GUEST_ENV, NODE_TEST_CONTEXT: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const onExit = (): void => void child.kill();
  process.once('exit', onExit);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  process.removeListener('exit', onExit);
  return { status, output, tests: readTap(readText(join(out, 'results.tap'))) };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the machine ended before the first test did
  }
}

const skip = whySkip();

describe('stock kernels', { skip, concurrency: KERNELS.length }, () => {
  for (const kernel of KERNELS) {
    test(`Linux ${kernel}`, { timeout: (LIMIT_S + 20) * 1000 }, async (t) => {
      const files = filesFor(kernel);
      const { status, output, tests } = await runIn(kernel, files);
      for (const { name, ok, skipped, detail } of tests) {
        await t.test(name, { skip: skipped ?? false }, () => assert.ok(ok, detail));
      }
      assert.equal(status, 0, output);
      assert.ok(tests.length > files.length, `only ${tests.length} tests ran`);
    });
  }
});
