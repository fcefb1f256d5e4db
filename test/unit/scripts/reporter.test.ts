import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const reporter = join(dirname(dirname(dirname(import.meta.dirname))), 'scripts', 'reporter.mjs');

interface Report {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly { readonly cause: string }[];
  readonly skips: readonly { readonly name: string; readonly reason: string }[];
  readonly files: readonly { readonly file: string; readonly seconds: number }[];
}

/** Runs one test file with this text and returns what the reporter wrote. */
function report(text: string): Report {
  const folder = mkdtempSync(join(tmpdir(), 'wirespan-reporter-'));
  try {
    writeFileSync(join(folder, 'a.test.mjs'), `import { before, describe, test } from 'node:test';\n${text}`);
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    spawnSync(process.execPath, ['--test', `--test-reporter=${reporter}`, 'a.test.mjs'], {
      cwd: folder,
      env: { ...env, TEST_REPORT_FILE: join(folder, 'report.json') },
    });
    return JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Report;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function counts({ passed, failed, skipped }: Report): readonly number[] {
  return [passed, failed, skipped];
}

test('counts tests, not the suites around them', () => {
  const text = `describe('s', () => { test('a', () => {}); test('b', () => { throw new Error('b'); }); });`;
  assert.deepEqual(counts(report(text)), [1, 1, 0]);
});

test('keeps the reason of a skip', () => {
  const found = report(`test('a', { skip: 'needs kprobe' }, () => {}); test('b', (t) => t.skip('why'));`);
  assert.deepEqual(counts(found), [0, 0, 2]);
  assert.deepEqual(
    found.skips.map(({ name, reason }) => `${name}: ${reason}`),
    ['a: needs kprobe', 'b: why'],
  );
});

test('keeps the first line of what a failure says, also that of a hook', () => {
  const { failures } = report(
    `test('a', () => { throw new Error('one\\ntwo'); });
     describe('s', () => { before(() => { throw new Error('hook'); }); test('b', () => {}); });`,
  );
  const errors = failures.map(({ cause }) => cause).filter((cause) => cause.startsWith('Error'));
  assert.deepEqual(errors, ['Error: one', 'Error: hook']);
});

test('keeps the time of each file', () => {
  const { files } = report(`test('a', () => new Promise((resolve) => setTimeout(resolve, 50)));`);
  assert.deepEqual(
    files.map(({ file, seconds }) => [file, seconds >= 0.05]),
    [['a.test.mjs', true]],
  );
});

for (const [name, text] of Object.entries({
  'crashes at its start': `throw new Error('crash');`,
  'holds no test': '',
  'exits before its tests are done': `test('a', () => {}); test('b', () => process.exit(0));`,
  'is killed': `test('a', async () => { process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}); });`,
})) {
  test(`a file that ${name} is one failure`, () => {
    assert.deepEqual(counts(report(text)), [0, 1, 0]);
  });
}
