import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { projectFolder } from '../../backends/place.ts';

/** As eslint's `max-lines` for TypeScript. */
const MOST = 300;

it('no file of C or C++ that people write has more lines than one of TypeScript may have', () => {
  const patterns = ['bpf/**/*.{c,h}', 'native/**/*.{cc,h}', 'packaging/**/*.c', 'test/**/*.{c,h}'];
  const files = globSync(patterns, {
    cwd: projectFolder,
    exclude: ['**/generated/**', '**/node_modules/**'],
  });
  assert.ok(files.length > 100);
  const long = files.filter(
    (file) => readFileSync(join(projectFolder, file), 'utf8').split('\n').length > MOST + 1,
  );
  assert.deepEqual(long, []);
});
