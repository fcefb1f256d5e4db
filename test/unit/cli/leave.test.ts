import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Cleanup } from '../../support/cleanup.ts';

const cleanup = new Cleanup();
after(() => cleanup.run());

const PROGRAM = `
import { open } from 'node:fs/promises';
import { createOutputs, leave } from '${join(import.meta.dirname, '../../../receiver/cli/outputs.ts')}';
void open(process.argv[1], 'r');
setTimeout(() => void leave(3, createOutputs(false)), 100);
`;

test('a read that does not end holds up no end of the process', { timeout: 60_000 }, async () => {
  const pipe = join(cleanup.makeFolder(), 'pipe');
  // Nobody opens it for writing.
  execFileSync('mkfifo', [pipe]);
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, pipe], { stdio: 'inherit' });
  cleanup.add(() => void child.kill('SIGKILL'));
  assert.deepEqual(await once(child, 'exit'), [3, null]);
});
