import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { kernelFilterOf, LiveFilter } from '../../../receiver/settings/filter.ts';
import type { KernelFilter } from '../../../receiver/source/filter.ts';

const root = mkdtempSync(join(tmpdir(), 'wirespan-cgroup-'));
const v1 = mkdtempSync(join(tmpdir(), 'wirespan-cgroup-v1-'));
const inode = (path: string, top = root): bigint => statSync(join(top, path), { bigint: true }).ino;
const hierarchies = [
  { root, number: 0 },
  { root: v1, number: 8 },
];

describe('kernelFilterOf', () => {
  after(() => {
    for (const each of [root, v1]) rmSync(each, { recursive: true });
  });

  it('turns the words of the settings into those of the kernel', () => {
    mkdirSync(join(root, 'a'));
    const rule = { port: 1, local_port: 2, remote_port: 3, pid: 4, command: 'sshd', netns: 5 };
    const filter = {
      include: [{ ...rule, cidr: 'fd00::/8', cgroup: '/a' }],
      exclude: [{ cidr: '10.0.0.0/8' }],
    };
    assert.deepEqual(kernelFilterOf(filter, hierarchies), {
      include: [
        {
          port: 1,
          localPort: 2,
          remotePort: 3,
          pid: 4,
          command: 'sshd',
          netns: 5,
          subnet: { address: 'fd00::', prefixLength: 8, family: 'ipv6' },
          cgroupIds: [inode('a')],
        },
      ],
      exclude: [{ subnet: { address: '10.0.0.0', prefixLength: 8, family: 'ipv4' } }],
    });
  });

  it('marks a cgroup that is not there, or cannot be', () => {
    const filter = { include: [{ cgroup: '/no-such' }], exclude: [] };
    for (const trees of [hierarchies, []])
      assert.deepEqual(kernelFilterOf(filter, trees).include, [{ cgroupIds: [] }]);
  });

  it('looks for a path in every hierarchy, and says in which it is', () => {
    for (const top of [root, v1]) mkdirSync(join(top, 'both'));
    mkdirSync(join(v1, 'old'));
    const cgroupIds = (cgroup: string): unknown =>
      kernelFilterOf({ include: [{ cgroup }], exclude: [] }, hierarchies).include[0]?.cgroupIds;
    assert.deepEqual(cgroupIds('/both'), [inode('both'), inode('both', v1) | (8n << 56n)]);
    assert.deepEqual(cgroupIds('/old'), [inode('old', v1) | (8n << 56n)]);
    const far = kernelFilterOf({ include: [{ cgroup: '/old' }], exclude: [] }, [{ root: v1, number: 300 }]);
    assert.deepEqual(far.include[0]?.cgroupIds, [inode('old', v1) | (44n << 56n)]);
  });

  it('follows a cgroup that is made, and made again, under its path', () => {
    const applied: KernelFilter[] = [];
    const missing: string[] = [];
    const live = new LiveFilter(
      { include: [], exclude: [{ cgroup: '/b' }] },
      { hierarchies, apply: (filter) => applied.push(filter), onMissing: (path) => missing.push(path) },
    );
    live.check();
    assert.deepEqual([applied, missing], [[], ['/b']]);
    mkdirSync(join(root, 'b'));
    const first = inode('b');
    live.check();
    live.check();
    // Another folder for sure: the one before is still there.
    renameSync(join(root, 'b'), join(root, 'c'));
    mkdirSync(join(root, 'b'));
    live.check();
    live.set({ include: [], exclude: [{ cgroup: '/b' }] });
    const ids = applied.map(({ exclude }) => exclude[0]?.cgroupIds);
    assert.deepEqual([ids, missing], [[[first], [inode('b')]], ['/b']]);
    live.set({ include: [], exclude: [] });
    assert.deepEqual(applied.at(-1), { include: [], exclude: [] });
  });
});
