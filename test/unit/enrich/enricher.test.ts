import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { EnricherOptions } from '../../../receiver/enrich/enricher.ts';
import type { Owner } from '../../../receiver/model/resource.ts';
import { enricher, host, owner, procRoot, startNs } from '../host/proc-fixture.ts';

function attributes(
  pid: number,
  more: Partial<Owner> = {},
  options: Partial<EnricherOptions> = {},
): Record<string, unknown> {
  return enricher(options).resolve(owner(pid, more)).attributes;
}

test('a service is named by its own variables, and product attributes cannot be forged', () => {
  const found = attributes(105);
  assert.equal(found['service.name'], 'shop');
  assert.equal(found['service.namespace'], 'front end');
  assert.equal(found['deployment.environment.name'], 'prod');
  assert.equal(found['telemetry.sdk.name'], undefined);
  assert.equal(found['process.pid'], undefined);
  assert.equal(found['host.id'], host.hostId);
  assert.doesNotMatch(JSON.stringify(found), /do-not-keep|decoy/);
});

test('two processes of one service are one resource', () => {
  const subject = enricher();
  const one = subject.resolve(owner(105)).id;
  const root = mkdtempSync(join(tmpdir(), 'proc-'));
  try {
    cpSync(join(procRoot, '105'), join(root, '305'), { recursive: true });
    assert.equal(enricher({ procRoot: root }).resolve(owner(305)).id, one);
  } finally {
    rmSync(root, { recursive: true });
  }
});

for (const [pid, containerId, podUid] of [
  [101, 'a1', undefined],
  [102, 'b2', '0f3a9c1e-1b2d-4c3e-9f00-aabbccddeeff'],
  [103, 'c3', '0f3a9c1e-1b2d-4c3e-9f00-aabbccddeeff'],
  [104, 'd4', undefined],
] as const) {
  test(`process ${pid} is known by its container`, () => {
    const found = attributes(pid);
    assert.equal(found['container.id'], containerId.repeat(32));
    assert.equal(found['k8s.pod.uid'], podUid);
    assert.equal(found['service.name'], 'exe');
    assert.equal(found['process.pid'], undefined);
  });
}

test('a plain process is known by pid and creation time', () => {
  const found = attributes(107);
  assert.equal(found['process.pid'], 107);
  assert.equal(found['process.creation.time'], new Date(1_700_000_000_000 + 50_000).toISOString());
  assert.equal(found['process.command'], 'comm');
  assert.equal(found['process.executable.name'], 'exe');
  assert.equal(found['service.name'], 'exe');
});

test('a command may hold anything, parentheses too', () => {
  const subject = enricher();
  subject.resolve(owner(107));
  assert.equal(subject.counters.gone, 0);
});

test('a process that is gone is still known by the container of its cgroup', () => {
  const subject = enricher();
  subject.observe(owner(101, { cgroupId: 77n }));
  const found = subject.resolve(owner(999, { cgroupId: 77n })).attributes;
  assert.equal(found['container.id'], 'a1'.repeat(32));
  assert.equal(found['process.pid'], undefined);
});

test('the container of a process that is gone is also looked up in the cgroup tree', () => {
  const cgroupRoot = mkdtempSync(join(tmpdir(), 'cgroup-'));
  try {
    const folder = join(cgroupRoot, `docker-${'f6'.repeat(32)}.scope`);
    mkdirSync(folder);
    const cgroupId = statSync(folder, { bigint: true }).ino;
    const found = enricher({ cgroupRoot }).resolve(owner(999, { cgroupId })).attributes;
    assert.equal(found['container.id'], 'f6'.repeat(32));
  } finally {
    rmSync(cgroupRoot, { recursive: true });
  }
});

test('a process of which nothing at all is known is its container, else the host', () => {
  const subject = enricher();
  const unknown = { command: '', executable: '' };
  const onHost = owner(999, unknown);
  assert.equal(subject.resolve(onHost), subject.host());
  assert.equal(subject.counters.gone, 1);
  assert.equal(subject.counters.unknown, 1);
  subject.observe(owner(101, { cgroupId: 77n }));
  const found = subject.resolve(owner(998, { ...unknown, cgroupId: 77n })).attributes;
  assert.equal(found['container.id'], 'a1'.repeat(32));
  assert.equal(found['process.executable.name'], undefined);
  // The kernel's facts come later than its sums.
  subject.observe(owner(999));
  assert.equal(subject.resolve(onHost).attributes['process.executable.name'], 'exe');
});

test('a monitor of containers is a plain process', () => {
  assert.equal(attributes(106)['container.id'], undefined);
  assert.equal(attributes(106)['process.pid'], 106);
});

test('variables with an error are discarded as the SDK does, and counted', () => {
  const subject = enricher();
  const { attributes: ofNode } = subject.resolve(owner(108, { executable: 'node' }));
  assert.equal(ofNode['service.namespace'], undefined);
  assert.equal(subject.counters.environInvalid, 1);
  assert.equal(attributes(108)['service.namespace'], 'a');
});

test('granularity decides what tells workloads apart', () => {
  assert.equal(attributes(105, {}, { granularity: 'process' })['process.pid'], 105);
  assert.equal(attributes(105, {}, { granularity: 'process' })['service.name'], 'shop');
  assert.equal(attributes(109, {}, { granularity: 'container' })['process.pid'], undefined);
  assert.equal(attributes(105, {}, { granularity: 'container' })['process.pid'], 105);
  assert.equal(attributes(107, {}, { granularity: 'service' })['process.pid'], undefined);
  assert.equal(attributes(101, {}, { granularity: 'service' })['process.pid'], undefined);
});

test('a reused pid is not mistaken for the process that had it', () => {
  for (const ticks of [-1n, 1n]) {
    const subject = enricher();
    const found = subject.resolve(owner(105, { startNs: startNs + ticks * 10_000_000n })).attributes;
    assert.equal(found['service.name'], 'exe');
    assert.equal(found['deployment.environment.name'], undefined);
    assert.equal(subject.counters.gone, 1);
  }
});

test('start times are compared by tick', () => {
  assert.equal(attributes(105, { startNs: startNs + 9_999_999n })['service.name'], 'shop');
});

test('two processes with one pid, one after the other, stay apart', () => {
  const subject = enricher();
  const later = subject.resolve(owner(107));
  const earlier = subject.resolve(owner(107, { startNs: 1n }));
  assert.notEqual(earlier.id, later.id);
  assert.equal(subject.resolve(owner(107)), later);
  assert.equal(subject.resolve(owner(107, { startNs: 1n })), earlier);
});

test('a process that is gone is named by what the kernel said', () => {
  const found = attributes(999, { executable: '', command: 'short' });
  assert.equal(found['process.pid'], 999);
  assert.equal(found['service.name'], 'short');
});

test('what was read at the announcement holds after the process is gone', () => {
  const root = mkdtempSync(join(tmpdir(), 'proc-'));
  cpSync(join(procRoot, '105'), join(root, '105'), { recursive: true });
  const subject = enricher({ procRoot: root });
  subject.observe(owner(105));
  rmSync(root, { recursive: true });
  assert.equal(subject.resolve(owner(105)).attributes['service.name'], 'shop');
  subject.forget(owner(105));
  assert.equal(subject.resolve(owner(105)).attributes['service.name'], 'shop');
});

test('what another program declares, which the process has become, is not taken', () => {
  const root = mkdtempSync(join(tmpdir(), 'proc-'));
  try {
    cpSync(join(procRoot, '105'), join(root, '105'), { recursive: true });
    const long = 'a-name-that-the-kernel-cuts-after-31-bytes';
    symlinkSync(`/opt/${long} (deleted)`, join(root, '105', 'exe'));
    const subject = enricher({ procRoot: root });
    const nameOf = (executable: string, execs: number): unknown =>
      subject.resolve(owner(105, { executable, execs })).attributes['service.name'];
    assert.equal(nameOf('sh', 0), 'sh');
    assert.equal(nameOf(long.slice(0, 30), 1), long.slice(0, 30));
    assert.equal(subject.counters.gone, 2);
    assert.equal(nameOf(long.slice(0, 31), 2), 'shop');
    assert.equal(nameOf('', 3), 'shop');
    const whole = subject.resolve(owner(105, { executable: long.slice(0, 31), execs: 4 })).attributes;
    assert.equal(whole['process.executable.name'], long);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('a process that called execve is read again', () => {
  const root = mkdtempSync(join(tmpdir(), 'proc-'));
  try {
    cpSync(join(procRoot, '105'), join(root, '105'), { recursive: true });
    const subject = enricher({ procRoot: root });
    const [before, after, again] = [0, 1, 2].map((execs) => owner(105, { executable: 'node', execs }));
    assert.ok(before && after && again);
    subject.observe(before);
    writeFileSync(join(root, '105', 'environ'), 'OTEL_SERVICE_NAME=after\0');
    subject.observe(after);
    assert.equal(subject.resolve(before).attributes['service.name'], 'shop');
    assert.equal(subject.resolve(after).attributes['service.name'], 'after');
    assert.equal(subject.counters.workloads, 2);
    subject.observe(again);
    assert.equal(subject.counters.workloads, 2, 'the same program with the same environment');
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('without an owner, the host', () => {
  const subject = enricher();
  assert.equal(subject.resolve(owner(0)), subject.host());
  assert.equal(subject.host().kind, 'host');
  assert.equal(subject.host().attributes['service.name'], undefined);
  assert.equal(subject.counters.processes, 0);
});

test('the agent is a service of its own, described by the SDK that it uses', () => {
  const { attributes: found, kind } = enricher().agent();
  assert.equal(kind, 'agent');
  assert.equal(found['service.name'], 'wirespan');
  assert.equal(found['service.instance.id'], 'i');
  assert.equal(found['telemetry.sdk.name'], 'opentelemetry');
  assert.equal(found['telemetry.sdk.language'], 'nodejs');
  assert.equal(found['telemetry.distro.name'], 'wirespan');
});

test('processes beyond the bound of resources are folded and counted', () => {
  const subject = enricher({ maxResources: 3 });
  for (let pid = 1_000; pid < 1_010; pid += 1) subject.resolve(owner(pid));
  assert.equal(subject.resolve(owner(1_002)).attributes['process.pid'], 1_002);
  assert.equal(subject.resolve(owner(1_003)), subject.host());
  assert.deepEqual([subject.counters.workloads, subject.counters.folded], [3, 7]);
});

test('a folded process goes to its container', () => {
  const subject = enricher({ maxResources: 1, granularity: 'process' });
  subject.resolve(owner(107));
  const folded = subject.resolve(owner(101)).attributes;
  assert.equal(folded['container.id'], 'a1'.repeat(32));
  assert.equal(folded['process.pid'], undefined);
  // As many again may stand for containers; then only the host is left.
  assert.equal(subject.resolve(owner(104)), subject.host());
});

test('remembers a bounded number of processes, and its resources go with them', () => {
  const subject = enricher({ maxEntries: 10 });
  for (let pid = 1_000; pid < 1_050; pid += 1) subject.resolve(owner(pid));
  const { processes, workloads, evictions } = subject.counters;
  assert.deepEqual({ processes, workloads, evictions }, { processes: 10, workloads: 10, evictions: 40 });
});

test('a busy process is not the one that makes room', () => {
  const root = mkdtempSync(join(tmpdir(), 'proc-'));
  cpSync(join(procRoot, '105'), join(root, '105'), { recursive: true });
  const subject = enricher({ maxEntries: 4, procRoot: root });
  subject.observe(owner(105));
  rmSync(root, { recursive: true });
  for (let pid = 1_000; pid < 1_100; pid += 1) {
    for (let times = 0; times < 100; times += 1) subject.resolve(owner(105));
    subject.resolve(owner(pid));
  }
  assert.equal(subject.resolve(owner(105)).attributes['service.name'], 'shop');
});
