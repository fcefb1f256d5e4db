/**
 * What the kernel takes while it verifies the programs. It is charged to the agent, gone a moment later, and grows with
 * the paths through the largest program: that killed an agent with `profile: small` at its start.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { makeMemoryCgroup } from './memory-cgroup.ts';

/** Bytes, the maps' 13 MB among them: `profile: small` has 150 MB, and 75 of those are Node's at a first start. */
const LIMIT = 65e6;
/** The kernel refuses a program at a million; other versions of it walk other paths. */
const INSTRUCTIONS = 250_000;

const cleanup = new Cleanup();
after(() => cleanup.run());

test('the programs of a small node are verified in the memory that it has', (t) => {
  // Whoever reads a file first is charged for its pages, which are given back when memory is short: another group has them.
  loadIn('files');
  const { verified, peak } = loadIn('verifier');
  t.diagnostic(`${(peak / 1e6).toFixed(1)} MB; ${JSON.stringify(verified)}`);
  assert.ok(Object.keys(verified).length > 10);
  for (const [program, count] of Object.entries(verified))
    assert.ok(count > 0 && count <= INSTRUCTIONS, `${program}: ${count} instructions are verified`);
  assert.ok(peak > 10e6 && peak <= LIMIT, `${peak} bytes`);
});

/** Verified instructions of each program, and the most bytes that the group had while they were loaded. */
function loadIn(name: string): { verified: Record<string, number>; peak: number } {
  const group = makeMemoryCgroup(cleanup, `wirespan-${name}-${String(process.pid)}`, 1e9);
  if (group === undefined) throw new Error('no control group of this machine limits memory');
  const loader = join(import.meta.dirname, 'load-small.ts');
  // What Node reads of its compile cache is not the verifier's either.
  const { status, stdout, stderr } = spawnSync(process.execPath, [loader, group.folder], {
    encoding: 'utf8',
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
  });
  assert.equal(status, 0, stderr);
  return { verified: JSON.parse(stdout) as Record<string, number>, peak: group.peak() };
}
