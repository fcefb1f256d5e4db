import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CHURN = fileURLToPath(new URL('./churning-pipeline.ts', import.meta.url));
const CONNECTIONS = 1_100_000;

test('a million sampled connections through the pipeline leave its heap as it was', async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--no-warnings', CHURN]);
  const { growth, decoded, bad, spans } = JSON.parse(stdout) as Record<string, number>;
  t.diagnostic(`${String(growth)} bytes more, ${String(spans)} spans`);
  assert.deepEqual([decoded, bad], [3 * CONNECTIONS, 0]);
  // The handshake of each, and the life of each that was closed.
  assert.ok((spans ?? 0) >= 2 * CONNECTIONS - 2_000, `${String(spans)} spans`);
  assert.ok((growth ?? Infinity) < 3e6, `${String(growth)} bytes more`);
});
