import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { findCgroupHierarchies } from '../../../receiver/host/cgroup-hierarchies.ts';

const made: string[] = [];

/** A `/proc` with these two files of this process. */
function procWith(mounts: readonly string[], cgroup: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'wirespan-proc-'));
  made.push(root);
  mkdirSync(join(root, 'self'));
  writeFileSync(join(root, 'self', 'mounts'), mounts.map((line) => `${line}\n`).join(''));
  writeFileSync(join(root, 'self', 'cgroup'), cgroup.map((line) => `${line}\n`).join(''));
  return root;
}

describe('findCgroupHierarchies', () => {
  after(() => {
    for (const each of made) rmSync(each, { recursive: true });
  });

  it('finds cgroup v2 alone', () => {
    const proc = procWith(
      ['tmpfs /run tmpfs rw 0 0', 'cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0'],
      ['0::/a'],
    );
    assert.deepEqual(findCgroupHierarchies(proc), [{ root: '/sys/fs/cgroup', number: 0 }]);
  });

  it('finds hierarchies of v1 by their controllers, beside v2; none without a controller', () => {
    const proc = procWith(
      [
        'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0',
        'cgroup /sys/fs/cgroup/pids cgroup rw,relatime,pids 0 0',
        'cgroup /mnt/again cgroup rw,relatime,pids 0 0',
        'cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0',
        'cgroup2 /sys/fs/cgroup/uni\\040fied cgroup2 rw 0 0',
      ],
      ['12:pids:/x', '3:cpu,cpuacct:/', '1:name=systemd:/y', '0::/'],
    );
    assert.deepEqual(findCgroupHierarchies(proc), [
      { root: '/sys/fs/cgroup/cpu,cpuacct', number: 3 },
      { root: '/sys/fs/cgroup/pids', number: 12 },
      { root: '/sys/fs/cgroup/uni fied', number: 0 },
    ]);
  });

  it('is empty where nothing is mounted or can be read', () => {
    assert.deepEqual(findCgroupHierarchies(procWith([], [])), []);
    assert.deepEqual(findCgroupHierarchies('/no-such-folder'), []);
  });

  it('takes no more than the kernel side has room for', () => {
    const names = Array.from({ length: 20 }, (_, i) => `c${i}`);
    const proc = procWith(
      names.map((name) => `cgroup /sys/fs/cgroup/${name} cgroup rw,${name} 0 0`),
      names.map((name, i) => `${i + 1}:${name}:/`),
    );
    assert.equal(findCgroupHierarchies(proc).length, 16);
  });
});
