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
/** Programs that compare and exchange are taken from 5.12 on; by hand. */
const TOO_OLD = '5.10';
/** Newer than any that this was made on; by hand. */
const NEWEST = '7';
const IS_ALL = process.env['WIRESPAN_TEST_VM'] === 'all';
const TESTED = [...KERNELS, ...(IS_ALL ? ([NEWEST] as const) : [])];
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
  'http2-answers',
  'http2-gaps',
  'http2-partial',
  'http2-served',
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

function filesFor(kernel: (typeof TESTED)[number]): string[] {
  const others = IS_ALL || kernel === NEWEST ? [...Object.values(ON_ONE).flat(), ...BY_HAND] : ON_ONE[kernel];
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
    for (const kernel of [...(IS_ALL ? [TOO_OLD] : []), ...TESTED])
      execFileSync(RUN, ['fetch', kernel], { stdio: 'pipe' });
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
}

function outFolder(kernel: string): string {
  return join(projectFolder, 'build', 'test', `vm-${kernel}`);
}

/** Runs the test files in a machine with this kernel. */
async function testIn(
  kernel: string,
  files: readonly string[],
): Promise<Outcome & { readonly tests: readonly TapTest[] }> {
  const results = join(outFolder(kernel), 'results.tap');
  const runner = [process.execPath, '--test', '--test-isolation=none', `--test-timeout=${LIMIT_S * 1000}`];
  const reporter = ['--test-reporter=tap', `--test-reporter-destination=${results}`];
  const outcome = await runIn(kernel, [...runner, ...reporter, ...files]);
  return { ...outcome, tests: readTap(readText(results)) };
}

/** Runs a command in a machine with this kernel. */
async function runIn(kernel: string, command: readonly string[]): Promise<Outcome> {
  const out = outFolder(kernel);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const variables = Object.keys(GUEST_ENV).flatMap((name) => ['-e', name]);
  const args = ['run', '-k', kernel, '-t', String(LIMIT_S), '-o', out, ...variables, '--'];
  const child = spawn(RUN, [...args, ...command], {
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
  return { status, output };
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
  const byHand = IS_ALL ? false : 'another Debian’s kernel; by hand, with WIRESPAN_TEST_VM=all';
  test(`Linux ${TOO_OLD} is refused in one sentence`, { skip: byHand }, async () => {
    const agent = [process.execPath, join(projectFolder, 'receiver', 'main.ts')].join(' ');
    const { status, output } = await runIn(TOO_OLD, ['sh', '-c', `${agent} run; ${agent} doctor --json`]);
    const [sentence = '', diagnosis = ''] = output.split(/\n(?=\{)/);
    assert.match(
      sentence,
      /^wirespan: The kernel 5\.10\.\S+ takes no BPF programs that compare and exchange: run Linux 5\.15 or newer\.$/,
    );
    const { findings } = JSON.parse(diagnosis) as { findings: { subject: string; state: string }[] };
    assert.deepEqual(
      findings.filter(({ state }) => state === 'failed').map(({ subject }) => subject),
      ['kernel', 'collector'],
    );
    assert.equal(status, 3);
  });
  for (const kernel of TESTED) {
    test(`Linux ${kernel}`, { timeout: (LIMIT_S + 20) * 1000 }, async (t) => {
      const files = filesFor(kernel);
      const { status, output, tests } = await testIn(kernel, files);
      for (const { name, ok, skipped, detail } of tests) {
        await t.test(name, { skip: skipped ?? false }, () => assert.ok(ok, detail));
      }
      assert.equal(status, 0, output);
      assert.ok(tests.length > files.length, `only ${tests.length} tests ran`);
    });
  }
});
