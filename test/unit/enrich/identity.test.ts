/** What is observed wins over what is declared, and a declared name alone makes nobody one with another. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import type { EnricherOptions } from '../../../receiver/enrich/enricher.ts';
import type { Granularity } from '../../../receiver/enrich/resources.ts';
import type { ObservedResource } from '../../../receiver/model/resource.ts';
import { enricher, host, owner } from '../host/proc-fixture.ts';
import { ProcFolder, type FakeProcess } from '../host/proc-folder.ts';

const CONTAINERS = ['a1', 'b2'].map((id) => `/docker-${id.repeat(32)}.scope`);
const GRANULARITIES: readonly Granularity[] = ['auto', 'process', 'container', 'service'];
const environ = { OTEL_SERVICE_NAME: 'victim', OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=1,team=a' };

/** Its instance has a test of its own. */
function withoutInstance({ attributes }: ObservedResource): Attributes {
  const { 'service.instance.id': _instance, ...rest } = attributes;
  return rest;
}

describe('identity', () => {
  const proc = new ProcFolder();
  after(() => proc.remove());
  let pid = 5_000;

  function resourceOf(
    process: Omit<FakeProcess, 'pid'>,
    options: Partial<EnricherOptions> = {},
  ): ObservedResource {
    pid += 1;
    proc.add({ pid, ...process });
    return enricher({ procRoot: proc.root, ...options }).resolve(owner(pid));
  }

  test('a forged resource has none of what it forged but what is its own', () => {
    const pod = '0f3a9c1e-1b2d-4c3e-9f00-aabbccddeeff';
    const forged = [
      ['host.id', 'x'],
      ['host.name', 'x'],
      ['os.type', 'x'],
      ['container.id', 'f'.repeat(64)],
      ['k8s.pod.uid', 'x'],
      ['process.pid', '1'],
      ['process.executable.name', 'x'],
      ['process.command', 'x'],
      ['process.user.id', '0'],
      ['telemetry.sdk.name', 'x'],
      ['wirespan.x', 'x'],
      ['service.name', 'shop'],
      ['service.version', '2'],
      ['deployment.environment.name', 'prod'],
      ['k8s.pod.name', 'shop-1'],
    ];
    const list = { OTEL_RESOURCE_ATTRIBUTES: forged.map((pair) => pair.join('=')).join(',') };
    const common = {
      'host.id': host.hostId,
      'host.name': host.hostName,
      'host.arch': host.hostArch,
      'os.type': 'linux',
      'process.executable.name': 'exe',
      'process.user.id': 1_000,
      'service.name': 'shop',
      'service.version': '2',
      'deployment.environment.name': 'prod',
      'k8s.pod.name': 'shop-1',
      'telemetry.distro.name': 'wirespan',
      'telemetry.distro.version': host.version,
    };
    assert.deepEqual(withoutInstance(resourceOf({ environ: list })), common);
    const inPod = `/kubepods.slice/kubepods-pod${pod.replaceAll('-', '_')}.slice/cri-containerd-${'c3'.repeat(32)}.scope`;
    assert.deepEqual(withoutInstance(resourceOf({ environ: list, cgroup: inPod })), {
      ...common,
      'container.id': 'c3'.repeat(32),
      'k8s.pod.uid': pod,
    });
  });

  for (const granularity of GRANULARITIES)
    test(`another user or container with the same names stays apart: ${granularity}`, () => {
      const of = (users: FakeProcess['users'], cgroup = '/'): ObservedResource =>
        resourceOf({ environ, cgroup, ...(users && { users }) }, { granularity });
      const victims = [of([7, 7, 7]), of([7, 7, 7]), of([7, 7, 7], CONTAINERS[0])];
      const others = [
        of([8, 8, 8]),
        of([0, 0, 0]),
        of([8, 8, 8], CONTAINERS[0]),
        of([7, 7, 7], CONTAINERS[1]),
        // A program that acts for another user than who started it.
        of([8, 7, 7]),
        of([8, 7, 8]),
        of([7, 7, 8]),
      ];
      for (const { attributes } of others)
        for (const victim of victims) assert.notDeepEqual(attributes, victim.attributes);
      assert.equal(victims[0]?.id === victims[1]?.id, granularity === 'service' || granularity === 'auto');
    });

  test('of whom the user is not known nothing declared is shared', () => {
    const [one, two] = [resourceOf({ environ, users: [8, 7, 7] }), resourceOf({ environ, users: [8, 7, 7] })];
    assert.notEqual(one.id, two.id);
    assert.equal(one.attributes['service.name'], 'victim');
    assert.equal(one.attributes['process.pid'], pid - 1);
    assert.equal(one.attributes['process.user.id'], undefined);
  });

  test('processes of one container that declare nothing are the container’s, whatever their users', () => {
    const cgroup = CONTAINERS[0] ?? '';
    const [one, two] = [resourceOf({ cgroup }), resourceOf({ cgroup, users: [33, 33, 33] })];
    assert.equal(one.id, two.id);
    assert.equal(one.attributes['process.user.id'], undefined);
  });
});
