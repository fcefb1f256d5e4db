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

  it('is not known of a process that is gone, though another has its pid, nor of nobody', () => {
    const { cgroups } = create(undefined);
    assert.equal(cgroups.of({ ...owner, pid: 42, startNs: startNs + 1_000_000_000n }), undefined);
    assert.equal(cgroups.of({ ...owner, pid: 43 }), undefined);
    assert.equal(cgroups.of({ ...owner, pid: 0 }), undefined);
  });
});
