/** Processes of two users that say the same of themselves, and one of them more than it may. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { NetNamespace } from '../support/net-namespace.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { findPoints, finalPoints } from './otlp.ts';
import { connectPair, endPair, trafficAs, TrafficProcess } from './traffic.ts';
import { buildWorkloads } from '../support/workloads.ts';

const OPENED = 'wirespan.tcp.connection.opened';
const PROGRAM = 'declaring';
/** User id, and connections of its two processes. */
const USERS = [
  [1_000, 7],
  [65_534, 11],
] as const;
const FORGED = [
  'host.id=forged',
  'host.name=forged',
  'container.id=forged',
  'k8s.pod.uid=forged',
  'process.pid=1',
  'process.executable.name=forged',
  'process.user.id=1000',
  'telemetry.sdk.name=forged',
];
const DECLARED = ['service.namespace=shop', 'service.instance.id=one', 'deployment.environment.name=prod'];

describe('what processes declare', () => {
  const cleanup = new Cleanup();
  let output: Output;

  before(async () => {
    await buildWorkloads();
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const program = trafficAs(cleanup, PROGRAM);
    chmodSync(dirname(program), 0o755);
    const observation = await observe(cleanup, {
      settings: { WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]` },
    });
    const start = (user: number, attributes: readonly string[]): TrafficProcess => {
      const environment = ['OTEL_SERVICE_NAME=victim', `OTEL_RESOURCE_ATTRIBUTES=${attributes.join(',')}`];
      const as = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
      const started = new TrafficProcess(program, [
        'ip',
        'netns',
        'exec',
        room.name,
        'env',
        ...environment,
        ...as,
      ]);
      cleanup.add(() => started.stop());
      return started;
    };
    for (const [user, connections] of USERS) {
      const [client, server] = [start(user, DECLARED), start(user, [...FORGED, ...DECLARED])];
      for (let i = 0; i < connections; i += 1) await endPair(await connectPair(client, server, '127.0.0.1'));
    }
    output = await observation.finish();
  });
  after(() => cleanup.run());

  it('makes no user one with another, and its own processes one', () => {
    const opened = new Map<unknown, number>();
    for (const { resource, value } of finalPoints(findPoints(output.metrics, OPENED))) {
      assert.equal(resource['service.name'], 'victim');
      const user = resource['process.user.id'];
      opened.set(user, (opened.get(user) ?? 0) + value);
    }
    assert.deepEqual(opened, new Map(USERS.map(([user, connections]) => [user, 2 * connections])));
    const resources = new Set(
      findPoints(output.metrics, OPENED).map(({ resource }) => JSON.stringify(resource)),
    );
    assert.equal(resources.size, USERS.length);
  });

  it('gives an instance that two users declare to one of them', () => {
    const instances = new Set(
      findPoints(output.metrics, OPENED).map(({ resource }) => resource['service.instance.id']),
    );
    assert.equal(instances.size, USERS.length);
    assert.ok(instances.has('one'));
  });

  it('does not reach what is observed', () => {
    for (const { resource } of findPoints(output.metrics, OPENED)) {
      const { 'host.id': hostId, 'host.name': hostName, ...rest } = resource;
      assert.equal(hostId, readFileSync('/etc/machine-id', 'utf8').trim());
      assert.ok(hostName !== 'forged' && hostName !== undefined);
      assert.deepEqual(
        Object.entries(rest).filter(([, value]) => value === 'forged' || value === '1'),
        [],
      );
      assert.deepEqual(
        ['container.id', 'k8s.pod.uid', 'process.pid'].filter((key) => key in rest),
        [],
      );
      assert.equal(rest['process.executable.name'], PROGRAM);
      assert.deepEqual(
        Object.keys(rest).filter((key) => key.startsWith('telemetry.sdk.')),
        [],
        "the agent's SDK is not that of what it observes",
      );
      assert.equal(rest['telemetry.distro.name'], 'wirespan');
      assert.equal(rest['service.namespace'], 'shop');
      assert.equal(rest['deployment.environment.name'], 'prod');
    }
  });
});
