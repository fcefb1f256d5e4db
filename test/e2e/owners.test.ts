import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { cgroupMounts, inCgroup, makeCgroup, removeCgroup, runInCgroup } from '../support/cgroups.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { findPoints, totalsBy } from './otlp.ts';
import { connectPair, endPair, move, trafficAs, TrafficProcess } from './traffic.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads } from '../support/workloads.ts';

const mounts = cgroupMounts();
const SHORT_LIVED = 5;
const NAME = 'grouped';

/** A group as a runtime names it, and what that says. `$`: 64 digits that no other group has. */
interface Group {
  readonly version: 'v1' | 'v2';
  readonly path: string;
  readonly podUid?: string;
  readonly isNoContainer?: boolean;
}

const POD = '0aa3b9d2-7c11-4e5f-9f00-5d1c6a7b8c90';
const POD2 = '7f1e2d3c-4b5a-4987-8899-aabbccddeeff';
const SLICE = `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${POD.replaceAll('-', '_')}.slice`;

const GROUPS: readonly Group[] = [
  { version: 'v2', path: 'system.slice/docker-$.scope' },
  { version: 'v2', path: `${SLICE}/cri-containerd-$.scope`, podUid: POD },
  { version: 'v2', path: `${SLICE}/crio-$.scope`, podUid: POD },
  { version: 'v2', path: 'machine.slice/libpod-$.scope/container' },
  { version: 'v2', path: 'plain.slice/plain.service', isNoContainer: true },
  { version: 'v1', path: 'docker/$' },
  { version: 'v1', path: `kubepods/besteffort/pod${POD2}/$`, podUid: POD2 },
  { version: 'v1', path: 'machine.slice/libpod-$.scope' },
  { version: 'v1', path: 'plain', isNoContainer: true },
];

/** A group that is there, and what was moved in it. */
interface Made {
  readonly group: Group;
  readonly folder: string;
  readonly containerId: string;
  readonly longLived: number;
  readonly shortLived: number;
  pid: number;
}

describe('owners: the same workload in control groups of v2 and v1', () => {
  const cleanup = new Cleanup();
  const made: Made[] = [];
  let output: Output;

  /** Groups below one of the test's own, so that those of the machine's runtimes are not touched. */
  const make = (group: Group, index: number): Made => {
    const containerId = `${process.pid.toString(16).padStart(8, '0')}${index.toString(16)}`.padEnd(
      64,
      'c0ffee',
    );
    const path = `wirespan-${process.pid}/${group.path.replace('$', containerId)}`;
    const mount = mounts[group.version] ?? '';
    const folder = makeCgroup(cleanup, mount, path);
    return { group, folder, containerId, longLived: 10_007 + index, shortLived: 503 + index, pid: 0 };
  };

  before(async () => {
    await buildWorkloads();
    const program = trafficAs(cleanup, NAME);
    const server = new TrafficProcess(trafficAs(cleanup, 'ungrouped'));
    cleanup.add(() => server.stop());
    const observation = await observe(cleanup);
    const usable = GROUPS.filter(({ version }) => mounts[version] !== undefined);
    const runShort = async ({ folder, shortLived }: Made): Promise<void> => {
      for (let i = 0; i < SHORT_LIVED; i += 1) {
        const [listener, socket] = [server.next(), server.next()];
        const port = await server.run('listen', listener, '127.0.0.1');
        const ended = runInCgroup(folder, program, 'once', '127.0.0.1', String(port), String(shortLived));
        await server.run('accept', socket, listener);
        await server.run('receive', socket, shortLived);
        await server.run('end', socket);
        await server.run('close', socket);
        await server.run('close', listener);
        await ended;
      }
    };

    // Each group is met for the first time by processes that are gone when the agent looks: it is stopped.
    process.kill(observation.agent.pid, 'SIGSTOP');
    for (const [index, group] of usable.entries()) {
      const each = make(group, index);
      made.push(each);
      await runShort(each);
      // Every other one is not even there any more, as with `docker run --rm`.
      if (index % 2 === 1) removeCgroup(each.folder);
    }
    process.kill(observation.agent.pid, 'SIGCONT');

    for (const each of made) {
      const folder = makeCgroup(cleanup, each.folder, '.');
      const client = new TrafficProcess(program, inCgroup(folder));
      cleanup.add(() => client.stop());
      each.pid = client.pid;
      const pair = await connectPair(client, server, '127.0.0.1');
      await move(pair.client, pair.server, each.longLived);
      await endPair(pair);
    }
    await waitFor('the last of them to be exported', () =>
      made.every(({ longLived }) =>
        findPoints(observation.read().metrics, 'wirespan.tcp.io').some(({ value }) => value >= longLived),
      ),
    );
    output = await observation.finish();
  });
  after(() => cleanup.run());

  const io = (): ReturnType<typeof findPoints> =>
    findPoints(output.metrics, 'wirespan.tcp.io', {
      resource: { 'process.executable.name': NAME },
      attributes: { 'network.io.direction': 'transmit' },
    });

  it('has groups of both versions, where this machine has both', (t) => {
    for (const [version, mount] of Object.entries(mounts))
      if (mount === undefined) t.diagnostic(`no cgroup ${version} here`);
    assert.ok(made.length > 0, 'no control groups at all');
  });

  it('each series is on its own container, those of short-lived processes too', () => {
    const containers = made.filter(({ group }) => group.isNoContainer !== true);
    assert.deepEqual(
      totalsBy(
        io().filter(({ resource }) => resource['container.id'] !== undefined),
        ['container.id', 'k8s.pod.uid'],
      ),
      Object.fromEntries(
        containers.map(({ group, containerId, longLived, shortLived }) => [
          `${containerId}|${group.podUid ?? ''}`,
          longLived + SHORT_LIVED * shortLived,
        ]),
      ),
    );
  });

  it('the processes of a container share its resource', () => {
    const resources = new Set(
      io()
        .filter(({ resource }) => resource['container.id'] !== undefined)
        .map(({ resource }) => JSON.stringify(resource)),
    );
    assert.equal(resources.size, made.filter(({ group }) => group.isNoContainer !== true).length);
  });

  it('outside of containers each process is its own owner', () => {
    for (const { longLived, shortLived } of made.filter(({ group }) => group.isNoContainer === true)) {
      const values = Object.values(
        totalsBy(
          io().filter(({ resource }) => resource['container.id'] === undefined),
          ['process.pid', 'process.creation.time'],
        ),
      );
      assert.equal(values.filter((value) => value === longLived).length, 1);
      assert.equal(values.filter((value) => value === shortLived).length, SHORT_LIVED);
    }
  });
});
