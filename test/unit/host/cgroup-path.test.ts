import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCgroupPath, readProcCgroup } from '../../../receiver/host/cgroup-path.ts';

const id = '0123456789abcdef'.repeat(4);
const inner = 'fedcba9876543210'.repeat(4);
const podUid = '0f3a9c1e-1b2d-4c3e-9f00-aabbccddeeff';
const podSlice = `kubepods-besteffort-pod${podUid.replaceAll('-', '_')}.slice`;

const containers: Record<string, string> = {
  'Docker, cgroupfs': `/docker/${id}`,
  'Docker, systemd': `/system.slice/docker-${id}.scope`,
  'containerd, systemd': `/system.slice/cri-containerd-${id}.scope`,
  'Podman, rootful': `/machine.slice/libpod-${id}.scope`,
  'Podman, nested cgroup': `/machine.slice/libpod-${id}.scope/container/init.scope`,
  'Podman, cgroupfs': `/libpod_parent/libpod-${id}`,
  'seen from another cgroup namespace': `/../../docker-${id}.scope`,
};

for (const [name, path] of Object.entries(containers)) {
  test(`container of ${name}`, () => {
    assert.deepEqual(readCgroupPath(path), { containerId: id });
  });
}

const pods: Record<string, string> = {
  'cgroupfs driver': `/kubepods/burstable/pod${podUid}/${id}`,
  'systemd driver': `/kubepods.slice/kubepods-besteffort.slice/${podSlice}/cri-containerd-${id}.scope`,
  'CRI-O': `/kubepods.slice/kubepods-besteffort.slice/${podSlice}/crio-${id}.scope`,
  'containerd with colons': `/system.slice/containerd.service/${podSlice}:cri-containerd:${id}`,
};

for (const [name, path] of Object.entries(pods)) {
  test(`pod and container of ${name}`, () => {
    assert.deepEqual(readCgroupPath(path), { containerId: id, podUid });
  });
}

const none = [
  '/',
  '/system.slice/nginx.service',
  '/user.slice/user-0.slice/session-1.scope',
  `/machine.slice/libpod-conmon-${id}.scope`,
  `/kubepods.slice/crio-conmon-${id}.scope`,
  `/docker/${id.slice(1)}`,
  `/docker/${id}0`,
  `/kubepods/pod${id.slice(0, 32)}`,
];

for (const path of none) {
  test(`nothing in ${path}`, () => {
    assert.deepEqual(readCgroupPath(path), {});
  });
}

test('the innermost container wins', () => {
  const path = `/docker/${id}/kubelet/kubepods/pod${podUid}/${inner}`;
  assert.deepEqual(readCgroupPath(path), { containerId: inner, podUid });
});

test('a hybrid host names the container on a v1 line', () => {
  const text = `0::/\n5:memory:/docker/${id}\n1:name=systemd:/docker/${id}\n`;
  assert.deepEqual(readProcCgroup(text), { containerId: id, unifiedPath: '/' });
});

test('a path with colons is read whole', () => {
  const text = `0::/system.slice/containerd.service/${podSlice}:cri-containerd:${id}\n`;
  assert.equal(readProcCgroup(text).containerId, id);
});
