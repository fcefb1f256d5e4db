import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { kernelFilterOf, LiveFilter } from '../../receiver/filter-rules.ts';
import type { KernelFilter } from '../../receiver/source/filter.ts';

const root = mkdtempSync(join(tmpdir(), 'wirespan-cgroup-'));
const inode = (path: string): bigint => statSync(join(root, path), { bigint: true }).ino;

describe('kernelFilterOf', () => {
  after(() => rmSync(root, { recursive: true }));

  it('turns the words of the settings into those of the kernel', () => {
    mkdirSync(join(root, 'a'));
    const rule = { port: 1, local_port: 2, remote_port: 3, pid: 4, command: 'sshd', netns: 5 };
    const filter = {
      include: [{ ...rule, cidr: 'fd00::/8', cgroup: '/a' }],
      exclude: [{ cidr: '10.0.0.0/8' }],
    };
    assert.deepEqual(kernelFilterOf(filter, root), {
      include: [
        {
          port: 1,
          localPort: 2,
          remotePort: 3,
          pid: 4,
          command: 'sshd',
          netns: 5,
          subnet: { address: 'fd00::', prefixLength: 8, family: 'ipv6' },
          cgroupId: inode('a'),
        },
      ],
      exclude: [{ subnet: { address: '10.0.0.0', prefixLength: 8, family: 'ipv4' } }],
    });
  });

  it('marks a cgroup that is not there, or cannot be', () => {
    const filter = { include: [{ cgroup: '/no-such' }], exclude: [] };
    for (const top of [root, undefined])
      assert.deepEqual(kernelFilterOf(filter, top).include, [{ cgroupId: 'missing' }]);
  });

  it('follows a cgroup that is made, and made again, under its path', () => {
    const applied: KernelFilter[] = [];
    const missing: string[] = [];
    const live = new LiveFilter(
      { include: [], exclude: [{ cgroup: '/b' }] },
      { cgroupRoot: root, apply: (filter) => applied.push(filter), onMissing: (path) => missing.push(path) },
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
    const ids = applied.map(({ exclude }) => exclude[0]?.cgroupId);
    assert.deepEqual([ids, missing], [[first, inode('b')], ['/b']]);
    live.set({ include: [], exclude: [] });
    assert.deepEqual(applied.at(-1), { include: [], exclude: [] });
  });
});
