/**
 * The native tests with the addon under AddressSanitizer and UBSan: `npm test -- asan`. First an addon with a mistake
 * must end its process with a report, so that a sanitizer that is not there cannot pass. Leaks are not looked for: Node
 * keeps its own until it exits.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const mirror = join(root, 'build', 'asan');
const compiler = process.env['CXX'] ?? 'g++';
const TEST_TIMEOUT_MS = 60_000;

function library(name: string): string {
  return execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
}

interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

/** Runs Node with the sanitizers' libraries in front of everything. */
function runSanitized(args: readonly string[]): Outcome {
  const env = {
    ...process.env,
    LD_PRELOAD: `${library('libasan.so')} ${library('libubsan.so')}`,
    ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:disable_coredump=1:intercept_tls_get_addr=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
  };
  const child = spawnSync(process.execPath, args, { cwd: mirror, env, encoding: 'utf8' });
  return { status: child.status, output: `${child.stdout}${child.stderr}` };
}

function checkProbe(): boolean {
  const probe = join(mirror, 'build', 'native', 'probe.node');
  const { status, output } = runSanitized(['-e', `require(${JSON.stringify(probe)}).readPastEnd()`]);
  const isCaught = status !== 0 && output.includes('AddressSanitizer: heap-buffer-overflow');
  if (!isCaught)
    console.error(`wirespan: AddressSanitizer does not see a read past the end of a buffer:\n${output}`);
  return isCaught;
}

function checkTests(): boolean {
  const files = globSync('test/native/*.test.ts', { cwd: mirror }).sort();
  const { status, output } = runSanitized([
    '--test',
    '--test-concurrency=1',
    '--test-reporter=tap',
    `--test-timeout=${String(TEST_TIMEOUT_MS)}`,
    ...files,
  ]);
  const passed = Number(/^# pass (\d+)$/m.exec(output)?.[1] ?? 0);
  const isGood = status === 0 && passed >= files.length && !output.includes('Sanitizer:');
  if (isGood) console.log(`  ${String(passed)} tests of ${String(files.length)} files`);
  else console.error(output);
  return isGood;
}

execFileSync('make', ['-s', '--no-print-directory', '-C', join(root, 'native'), 'asan'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, MAKEFLAGS: '', MAKELEVEL: '' },
});
process.exitCode = checkProbe() && checkTests() ? 0 : 1;
