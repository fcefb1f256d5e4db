// Runs one tier of tests and counts; prints the table of all tiers.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './project.mjs';

/** Files that take longer are named, and of these the first. */
const SLOW_S = 10;
const SLOWEST = 20;
const REPORT_FOLDER = join(root, 'build', 'test-reports');

/** Runs a tier and returns its name, counts, skips, failures and seconds. Never throws for a failed test. */
export function runTier(node, tier, files = []) {
  const startedAt = Date.now();
  process.stdout.write(`\n== ${tier.name}\n`);
  const counts = tier.checks ? runChecks(node, tier) : runFiles(node, tier, files);
  return { name: tier.name, ...counts, seconds: (Date.now() - startedAt) / 1000 };
}

function noCounts() {
  return { passed: 0, failed: 0, skipped: 0, skips: [], failures: [], files: [] };
}

function addFailure(counts, name) {
  counts.failed += 1;
  counts.failures.push({ name, place: '', cause: '' });
  process.stdout.write(`  x ${name}\n`);
}

function runChecks(node, tier) {
  const counts = noCounts();
  for (const { name, script, args } of tier.checks) {
    const child = spawnSync(node, [script, ...args], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: testEnv(),
    });
    if (child.status === 0) {
      counts.passed += 1;
      process.stdout.write(`  ✓ ${name}\n`);
    } else {
      addFailure(counts, name);
    }
  }
  return counts;
}

function runFiles(node, tier, chosen) {
  const files = chosen.length > 0 ? chosen : findTests(tier.folder);
  if (files.length === 0) {
    const counts = noCounts();
    addFailure(counts, `${tier.folder} holds no test file`);
    return counts;
  }
  const report = join(REPORT_FOLDER, `${tier.name}.json`);
  mkdirSync(REPORT_FOLDER, { recursive: true });
  rmSync(report, { force: true });
  const args = [
    '--test',
    `--test-concurrency=${tier.isSerial ? 1 : 2}`,
    `--test-timeout=${tier.timeoutMs}`,
    `--test-reporter=${join(root, 'scripts', 'reporter.mjs')}`,
    ...files,
  ];
  const env = { ...testEnv(), TEST_REPORT_FILE: report };
  const child = spawnSync(node, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env });
  return readReport(report, child);
}

/** The runner's counts; when it died, or failed where no test did, that is one failure more. */
function readReport(report, child) {
  const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : noCounts();
  const hasReport = counts.passed + counts.failed + counts.skipped > 0;
  if (!hasReport || (child.status !== 0 && counts.failed === 0)) {
    addFailure(
      counts,
      `the test runner ended with ${child.signal ?? `status ${child.status}`} and no failed test to show for it`,
    );
  }
  return counts;
}

/** Test files below a folder, sorted by path. */
function findTests(folder) {
  const top = join(root, folder);
  if (!existsSync(top)) return [];
  const found = readdirSync(top, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return findTests(path);
    return entry.name.endsWith('.test.ts') ? [path] : [];
  });
  return found.sort();
}

/**
 * The environment without settings of the agent and of OpenTelemetry, which would change what is tested. Sources that are
 * stripped and compiled are kept, as the launcher does for a user.
 */
function testEnv() {
  const isForeign = (name) => /^(OTEL_|WIRESPAN_)/.test(name) && !name.startsWith('WIRESPAN_TEST_');
  const own = Object.entries(process.env).filter(([name]) => !isForeign(name));
  return { NODE_COMPILE_CACHE: join(root, '.cache', 'node'), ...Object.fromEntries(own) };
}

/** Where the time went: the files that took longest. */
function slowest(results) {
  const files = results.flatMap((result) => result.files).filter(({ seconds }) => seconds > SLOW_S);
  files.sort((one, other) => other.seconds - one.seconds);
  return files.slice(0, SLOWEST).map(({ file, seconds }) => `slow: ${file} ${seconds.toFixed(1)} s`);
}

/** Prints a line per tier, the slowest files, failures, skips and, last, the total; returns the total. */
export function printTable(results) {
  const total = noCounts();
  const lines = [
    '',
    `${'tier'.padEnd(12)}${'passed'.padStart(8)}${'failed'.padStart(8)}${'skipped'.padStart(9)}${'seconds'.padStart(10)}`,
  ];
  for (const { name, passed, failed, skipped, seconds } of results) {
    const cells = [passed, failed].map((count) => String(count).padStart(8));
    lines.push(
      `${name.padEnd(12)}${cells.join('')}${String(skipped).padStart(9)}${seconds.toFixed(1).padStart(10)}`,
    );
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  for (const line of slowest(results)) lines.push(line);
  for (const { name, failures } of results)
    for (const test of failures)
      lines.push(`failed: ${name}: ${[test.name, test.place, test.cause].filter(Boolean).join(' ')}`);
  for (const { name, skips } of results)
    for (const test of skips) lines.push(`skipped: ${name}: ${test.name}: ${test.reason}`);
  lines.push(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.stdout.write(`${lines.join('\n')}\n`);
  return total;
}
