import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CHILD = fileURLToPath(new URL('./heap-child.ts', import.meta.url));
/** A plain Map of 1,000 numbers has 0.1 MB; one that keeps what it deletes has 20 MB and more, by 200,000 of them. */
const MAX_GROWTH = 4e5;

interface Growth {
  readonly name: string;
  readonly growth: number;
}

const run = promisify(execFile);

/** A group of churns, in a process of its own. Each group is a file, and has the limit of time to itself. */
export function testHeap(group: string, structures: number): void {
  test(`things that come and go leave nothing behind: ${group}`, async (t) => {
    const { stdout } = await run(process.execPath, ['--expose-gc', '--no-warnings', CHILD, group]);
    const found = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Growth);
    assert.equal(found.length, structures, 'every structure was measured');
    for (const { name, growth } of found) {
      await t.test(name, (of) => {
        of.diagnostic(`${(growth / 1e6).toFixed(2)} MB`);
        assert.ok(growth < MAX_GROWTH, `${growth} bytes more`);
      });
    }
  });
}
