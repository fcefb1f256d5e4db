/** Control groups of processes that a view shows: noted by the kernel, else read, never those of another with the pid. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ViewCgroups } from '../../../receiver/agent/view-cgroups.ts';
import { CGROUP_NAMES } from '../../../receiver/decode/generated/layout.ts';
import { owner } from '../../support/correlation.ts';
import { startNs } from '../host/proc-fixture.ts';
import { ProcFolder } from '../host/proc-folder.ts';

const ID = '0123456789abcdef'.repeat(4);

describe('the control group of a process', () => {
  let proc: ProcFolder;
  before(() => {
    proc = new ProcFolder();
    proc.add({ pid: 42, cgroup: `/docker/${ID}` });
  });
  after(() => proc.remove());

  const create = (noted: string | undefined, maxRemembered = 10) => {
    let asked = 0;
    const lookup = (map: string, _key: Uint8Array, value: Uint8Array): boolean => {
      assert.equal(map, 'cgroups');
      asked += 1;
      if (noted === undefined) return false;
      value.set(Buffer.from(noted), CGROUP_NAMES.name);
      return true;
    };
    return { cgroups: new ViewCgroups({ lookup }, maxRemembered, proc.root), asked: () => asked };
  };

  it('is what the kernel noted, asked for once', () => {
    const { cgroups, asked } = create(`docker-${ID}.scope`);
    const process = { ...owner, pid: 7, cgroupId: 99n };
    for (let i = 0; i < 3; i += 1)
      assert.deepEqual(cgroups.of(process), { path: `/docker-${ID}.scope`, containerId: ID });
    assert.equal(asked(), 1);
  });

  it('is read where the kernel has none or the root of version 2', () => {
    for (const cgroupId of [0n, 1n, 99n]) {
      const { cgroups } = create(undefined);
      const found = cgroups.of({ ...owner, pid: 42, startNs, cgroupId });
      assert.deepEqual(found, { path: `/docker/${ID}`, containerId: ID });
    }
  });

  it('is in a group when its path is that or below, as /proc has it, or by its last names when it is gone', () => {
    const here = { ...owner, pid: 42, startNs, cgroupId: 99n };
    const { cgroups } = create(undefined);
    const groups = ['/docker', `/docker/${ID}`, '/', '/dock', `/docker/${ID}/more`, '/other'];
    assert.deepEqual(
      groups.map((path) => cgroups.isIn(here, path)),
      [true, true, true, false, false, false],
    );
    const gone = { ...owner, pid: 43, cgroupId: 99n };
    // The innermost name is first, and there are four.
    const lookup = (_map: string, _key: Uint8Array, names: Uint8Array): boolean => {
      for (const [i, name] of ['d', 'c', 'b', 'a'].entries())
        names.set(Buffer.from(name), (i * CGROUP_NAMES.size) / 4);
      return true;
    };
    const cut = new ViewCgroups({ lookup }, 0, proc.root);
    assert.deepEqual(
      ['/x/a/b/c/d', '/x/a/b/c', '/y/a', '/x/b/c', '/x/c/d', '/c'].map((path) => cut.isIn(gone, path)),
      [true, true, false, false, false, false],
    );
    assert.equal(cut.isIn({ ...gone, pid: 0 }, '/'), false);
  });

  it('is not known of a process that is gone, though another has its pid, nor of nobody', () => {
    const { cgroups } = create(undefined);
    assert.equal(cgroups.of({ ...owner, pid: 42, startNs: startNs + 1_000_000_000n }), undefined);
    assert.equal(cgroups.of({ ...owner, pid: 43 }), undefined);
    assert.equal(cgroups.of({ ...owner, pid: 0 }), undefined);
  });
});
