import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { withMemory } from '../../../receiver/host/process-memory.ts';

test('a look reads no more of the memory than it may, however it is asked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wirespan-memory-'));
  try {
    writeFileSync(join(folder, 'mem'), 'abcdefgh');
    const read = await withMemory(
      folder,
      async (memory) => [
        (await memory.read(0n, 4))?.toString(),
        (await memory.read(6n, 4))?.toString(),
        (await memory.read(4n, 2))?.toString(),
        (await memory.read(4n, 1))?.toString(),
        (await memory.read(0n, 1e9))?.toString(),
      ],
      10,
    );
    // The second has not as much, and counts; the others are beyond what may be read.
    assert.deepEqual(read, ['abcd', undefined, 'ef', undefined, undefined]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
