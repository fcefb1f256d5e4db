import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';

const CHILD = fileURLToPath(new URL('./heap-child.ts', import.meta.url));
/** A plain Map of 1,000 numbers has 0.1 MB; one that keeps what it deletes has 100 MB and more. */
const MAX_GROWTH = 2e6;

interface Growth {
  readonly name: string;
  readonly growth: number;
}

const run = promisify(execFile);

describe('a million things that come and go leave nothing behind', { concurrency: 2 }, () => {
  for (const kind of ['caches', 'rows'])
    it(kind, async (t) => {
      const { stdout } = await run(process.execPath, ['--expose-gc', '--no-warnings', CHILD, kind]);
      const found = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Growth);
      assert.ok(found.length >= 9, 'every structure was measured');
      for (const { name, growth } of found) {
        await t.test(name, (of) => {
          of.diagnostic(`${(growth / 1e6).toFixed(2)} MB`);
          assert.ok(growth < MAX_GROWTH, `${growth} bytes more after a million operations`);
        });
      }
    });
});
