import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCgroupNames } from '../../../receiver/decode/cgroup-names.ts';

/** `struct cgroup_names`: four names of 160 bytes, the innermost first. */
function noted(...names: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(640);
  for (const [index, name] of names.entries()) bytes.set(Buffer.from(`${name}\0`), index * 160);
  return bytes;
}

test('names become the end of a path', () => {
  assert.equal(readCgroupNames(noted('docker-1.scope', 'system.slice')), '/system.slice/docker-1.scope');
  assert.equal(readCgroupNames(noted('a', 'b', 'c', 'd')), '/d/c/b/a');
});

test('a name may fill its field', () => {
  const long = 'x'.repeat(159);
  assert.equal(readCgroupNames(noted(long, 'b')), `/b/${long}`);
});

test('without names nothing is known: the root, or they are only just being written', () => {
  assert.equal(readCgroupNames(noted()), undefined);
  assert.equal(readCgroupNames(noted('', 'system.slice')), undefined);
});
