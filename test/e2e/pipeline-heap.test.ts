import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CHURN = fileURLToPath(new URL('./churning-pipeline.ts', import.meta.url));

interface Churned {
  readonly growth: number;
  readonly connections: number;
  readonly decoded: number;
  readonly bad: number;
  readonly spans: number;
}

test('sampled connections, very many, through the pipeline leave its heap as it was', async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--no-warnings', CHURN]);
  const { growth, connections, decoded, bad, spans } = JSON.parse(stdout) as Churned;
  t.diagnostic(`${String(growth)} bytes more, ${String(spans)} spans`);
  assert.deepEqual([decoded, bad], [3 * connections, 0]);
  // The handshake of each, and the life of each that was closed.
  assert.ok(spans >= 2 * connections - 2_000, `${String(spans)} spans`);
  assert.ok(growth < 6e5, `${String(growth)} bytes more`);
});
