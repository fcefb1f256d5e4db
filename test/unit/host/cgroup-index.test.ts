import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createCgroupIndex, findCgroup2Mount } from '../../../receiver/host/cgroup-index.ts';

const containerId = 'ab'.repeat(32);

function withTree(run: (root: string) => void, below = tmpdir()): void {
  const root = mkdtempSync(join(below, 'cgroup-'));
  try {
    run(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function folder(root: string, path: string): bigint {
  mkdirSync(join(root, path), { recursive: true });
  return statSync(join(root, path), { bigint: true }).ino;
}

test('finds a container by the id of its cgroup', () => {
  withTree((root) => {
    const id = folder(root, `system.slice/docker-${containerId}.scope`);
    const index = createCgroupIndex({ root, maxEntries: 100, now: () => 0 });
    assert.deepEqual(index.find(id), { containerId });
    assert.deepEqual(index.find(id), { containerId });
    assert.equal(index.counters.walks, 1);
  });
});

test('what the kernel noted comes before the tree, and is asked for once', () => {
  withTree((root) => {
    const asked: bigint[] = [];
    const pathOf = (id: bigint): string | undefined => {
      asked.push(id);
      return id === 7n ? `/kubepods/pod11111111-2222-3333-4444-555555555555/${containerId}` : undefined;
    };
    const index = createCgroupIndex({ root, pathOf, maxEntries: 100, now: () => 0 });
    const expected = { containerId, podUid: '11111111-2222-3333-4444-555555555555' };
    assert.deepEqual([index.find(7n), index.find(7n)], [expected, expected]);
    assert.deepEqual([asked, index.counters.walks], [[7n], 0]);
    const id = folder(root, `docker-${containerId}.scope`);
    assert.deepEqual(index.find(id), { containerId });
    assert.equal(index.counters.walks, 1);
  });
});

test('the root of a hierarchy says nothing about who is in it', () => {
  const index = createCgroupIndex({ maxEntries: 100, now: () => 0 });
  index.learn(1n, { containerId });
  assert.equal(index.find(1n), undefined);
});

test('misses walk the tree at most every ten seconds', () => {
  withTree((root) => {
    let nowMs = 0;
    const index = createCgroupIndex({ root, maxEntries: 100, now: () => nowMs });
    for (let missing = 1n; missing < 50n; missing += 1n) index.find(-missing);
    assert.equal(index.counters.walks, 1);
    const id = folder(root, `docker-${containerId}.scope`);
    assert.equal(index.find(id), undefined);
    nowMs = 10_000;
    assert.deepEqual(index.find(id), { containerId });
    assert.equal(index.counters.walks, 2);
  });
});

test('a walk stops at its bound and is counted', () => {
  withTree((root) => {
    for (let number = 0; number < 10; number += 1) folder(root, `group-${number}`);
    const cut = createCgroupIndex({ root, maxEntries: 100, maxFolders: 10, now: () => 0 });
    cut.find(-1n);
    assert.deepEqual(cut.counters, { walks: 1, walksTruncated: 1 });
    const whole = createCgroupIndex({ root, maxEntries: 100, maxFolders: 11, now: () => 0 });
    whole.find(-1n);
    assert.deepEqual(whole.counters, { walks: 1, walksTruncated: 0 });
  });
});

test('what was learned needs no walk, and an unknown id is nothing', () => {
  const index = createCgroupIndex({ maxEntries: 2, now: () => 0 });
  index.learn(5n, { containerId });
  index.learn(0n, { containerId });
  assert.deepEqual(index.find(5n), { containerId });
  assert.equal(index.find(0n), undefined);
  index.learn(6n, {});
  index.learn(7n, {});
  assert.deepEqual(
    [index.find(5n), index.find(6n), index.find(7n)],
    [undefined, {}, {}],
    'bounded: the least used makes room',
  );
});

test('a tree that is gone is a miss', () => {
  const index = createCgroupIndex({ root: '/nonexistent/cgroup', maxEntries: 10, now: () => 0 });
  assert.equal(index.find(1n), undefined);
});

test('finds the mount of cgroup v2, also beside v1', () => {
  withTree((root) => {
    mkdirSync(join(root, 'self'));
    const mounts = 'cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n';
    writeFileSync(join(root, 'self', 'mounts'), mounts);
    assert.equal(findCgroup2Mount(root), '/sys/fs/cgroup/unified');
    assert.equal(findCgroup2Mount('/nonexistent'), undefined);
  });
});

test('a group with more groups below it than arguments fit into a call', () => {
  const inMemory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  withTree((root) => {
    const id = folder(root, `docker-${containerId}.scope`);
    for (let i = 0; i < 130_000; i += 1) mkdirSync(join(root, `group-${String(i)}`));
    const index = createCgroupIndex({ root, maxEntries: 100, maxFolders: 200_000, now: () => 0 });
    assert.deepEqual(index.find(id), { containerId });
  }, inMemory);
});
