import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { cgroupMounts, inCgroup, makeCgroup } from '../support/cgroups.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe, type Observation, type Output } from './observe.ts';
import { findPoints, totalsBy } from './otlp.ts';
import { connectPair, endPair, move, trafficAs, TrafficProcess } from './traffic.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads } from '../support/workloads.ts';

const NAME = 'filtered';
const TOP = `wirespan-filters-${process.pid}`;

/** A container's group, and who is in it. */
interface Member {
  readonly id: string;
  readonly path: string;
  readonly client: TrafficProcess;
  /** Payload bytes that its series must have at the end. */
  expected: number;
}

/** Rules of one phase, by the names of the groups; absent: of none. */
interface Phase {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

const PHASES: readonly Phase[] = [
  { exclude: ['v2-one', 'v1-one'] },
  { exclude: ['v2-two', 'v1-two'] },
  { include: ['v2-one', 'v1-two'] },
  { include: ['v2', 'v1'], exclude: ['v1-one'] },
];

describe('filters by cgroup: two groups of v2 and two of v1 with the same workload', () => {
  const cleanup = new Cleanup();
  const mounts = cgroupMounts();
  const members = new Map<string, Member>();
  let observation: Observation;
  let file: string;
  let server: TrafficProcess;
  let output: Output;

  const pathOf = (group: string): string => `/${TOP}/${group.replace('-', '/')}`;

  function settings({ include = [], exclude = [] }: Phase): string {
    const rules = (groups: readonly string[]): string =>
      groups.map((group) => `{cgroup: ${pathOf(group)}}`).join(', ');
    return `filter: {include: [${rules(include)}], exclude: [${rules(exclude)}]}\n`;
  }

  function isWanted(group: string, { include, exclude = [] }: Phase): boolean {
    const isIn = (groups: readonly string[]): boolean =>
      groups.some((each) => each === group || group.startsWith(`${each}-`));
    return (include === undefined || isIn(include)) && !isIn(exclude);
  }

  async function reload(phase: Phase): Promise<void> {
    const reloads = (): number =>
      observation.agent.log().filter(({ msg }) => msg.startsWith('the settings were read again')).length;
    const before = reloads();
    writeFileSync(file, settings(phase));
    process.kill(observation.agent.pid, 'SIGHUP');
    await waitFor('the agent to read the settings again', () => reloads() > before);
  }

  /** The bytes that each group's process sent, as exported so far. */
  const totals = (): Record<string, number> =>
    totalsBy(
      findPoints((output ?? observation.read()).metrics, 'wirespan.tcp.io', {
        resource: { 'process.executable.name': NAME },
        attributes: { 'network.io.direction': 'transmit' },
      }),
      ['container.id'],
    );
  const expected = (): Record<string, number> =>
    Object.fromEntries(
      [...members.values()].flatMap(({ id, expected: bytes }) => (bytes > 0 ? [[id, bytes]] : [])),
    );

  before(async () => {
    await buildWorkloads();
    const program = trafficAs(cleanup, NAME);
    server = new TrafficProcess(trafficAs(cleanup, 'unfiltered'));
    cleanup.add(() => server.stop());
    for (const [version, mount] of Object.entries(mounts)) {
      if (mount === undefined) continue;
      for (const name of ['one', 'two']) {
        const id = `${process.pid.toString(16)}${version}${name}`
          .replace(/[^0-9a-f]/g, '0')
          .padEnd(64, name === 'one' ? '1' : '2');
        const path = `${pathOf(`${version}-${name}`)}/docker-${id}.scope`;
        const client = new TrafficProcess(program, inCgroup(makeCgroup(cleanup, mount, path)));
        cleanup.add(() => client.stop());
        members.set(`${version}-${name}`, { id, path, client, expected: 0 });
      }
    }
    file = join(cleanup.makeFolder(), 'wirespan.yaml');
    writeFileSync(file, settings(PHASES[0] ?? {}));
    observation = await observe(cleanup, { settings: { WIRESPAN_CONFIG: file } });
    for (const [number, phase] of PHASES.entries()) {
      if (number > 0) await reload(phase);
      for (const [index, [group, member]] of [...members].entries()) {
        const bytes = 10_007 * (number + 1) + index;
        const pair = await connectPair(member.client, server, '127.0.0.1');
        await move(pair.client, pair.server, bytes);
        await endPair(pair);
        if (isWanted(group, phase)) member.expected += bytes;
      }
      await waitFor('what is wanted to be exported', () => {
        const seen = totals();
        return Object.entries(expected()).every(([id, bytes]) => (seen[id] ?? 0) >= bytes);
      });
    }
    output = await observation.finish();
  });
  after(() => cleanup.run());

  it('has groups of both versions, where this machine has both', (t) => {
    for (const [version, mount] of Object.entries(mounts))
      if (mount === undefined) t.diagnostic(`no cgroup ${version} here`);
    assert.ok(members.size > 0, 'no control groups at all');
  });

  it('each series is on its own group, with what the filter of its time wanted, exactly', () => {
    assert.deepEqual(totals(), expected());
  });

  it('what was left out made no connection either', () => {
    const opened = totalsBy(
      findPoints(output.metrics, 'wirespan.tcp.connection.opened', {
        resource: { 'process.executable.name': NAME },
      }),
      ['container.id'],
    );
    const wanted = [...members].map(([group, { id }]) => [
      id,
      PHASES.filter((phase) => isWanted(group, phase)).length,
    ]);
    assert.deepEqual(opened, Object.fromEntries(wanted));
  });
});
