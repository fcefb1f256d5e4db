import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const script = join(dirname(dirname(dirname(import.meta.dirname))), 'scripts', 'libbpf.mjs');

test("the system's libbpf is used from 1.0 on", () => {
  const versions = ['1.0.0', '1.1.2', '2.0.0', '0.5.0', '0.8.3', ''];
  const code = `import { isNewEnough } from ${JSON.stringify(script)};
    console.log(JSON.stringify([...${JSON.stringify(versions)}, undefined].map(isNewEnough)));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(stdout), [true, true, true, false, false, false, false]);
});
