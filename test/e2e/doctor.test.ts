/** `wirespan doctor`: what it says of this machine is what the agent would do here, and nothing of it stays. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, describe, it } from 'node:test';
import { loadConfig } from '../../config/index.ts';
import { findCgroupHierarchies } from '../../receiver/host/cgroup-hierarchies.ts';
import { kernelOptionsOf } from '../../receiver/settings/kernel.ts';
import { probeStates } from '../../receiver/agent/probe-states.ts';
import { withBestPlan, type Plan } from '../../receiver/source/plan.ts';
import { agentArgs, runToEnd, type Ended } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { answersWithout } from '../support/kernel-abilities.ts';
import { startOtlpStub } from '../support/otlp-stub.ts';
import { waitFor } from '../support/wait.ts';

const NOWHERE = 'http://127.0.0.1:9';

interface Diagnosis {
  readonly status: number;
  readonly findings: readonly {
    readonly subject: string;
    readonly state: string;
    readonly found: string;
    readonly advice?: string;
  }[];
}

const doctor = (...args: readonly string[]): Promise<Ended> =>
  runToEnd(process.execPath, agentArgs('doctor', ...args));

/** Our programs in the kernel. */
function programs(): string[] {
  const all = JSON.parse(execFileSync('bpftool', ['-j', 'prog', 'show']).toString()) as {
    id: number;
    name?: string;
  }[];
  return all.flatMap(({ id, name = '' }) => (name.startsWith('ws_') ? [`${name} ${id}`] : []));
}

/** The kernel frees programs after a grace period. */
const isAsBefore = (before: readonly string[]): Promise<void> =>
  waitFor('nothing of it in the kernel', () => String(programs()) === String(before));

describe('wirespan doctor', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());
  const hierarchies = findCgroupHierarchies('/proc');
  const options = kernelOptionsOf(loadConfig({ argv: [], env: {}, readFile: () => '' }), hierarchies);
  const planHere = (): Plan => withBestPlan(answersWithout([], options.cgroupRoot), options, (plan) => plan);

  it('says what is attached and what is not, and a collector gets the same', async () => {
    const stub = await startOtlpStub({ protocol: 'http/protobuf' });
    cleanup.add(() => stub.stop());
    const before = programs();
    const to = [`--otlp.endpoint=${stub.url}`, '--otlp.protocol=http/protobuf'];
    const { code, stdout, stderr } = await doctor('--json', ...to);
    assert.equal(stderr, '');
    const plan = planHere();
    const expected = plan.missing.length === 0 ? 0 : 1;
    const { status, findings } = JSON.parse(stdout) as Diagnosis;
    assert.deepEqual([code, status], [expected, expected]);
    const said = (subject: string): string | undefined =>
      findings.find((each) => each.subject === subject)?.found;
    assert.equal(said('programs'), `${plan.attached.length} loaded and attached`);
    const advice = findings.map((each) => each.advice ?? '').join('\n');
    for (const { probe, why } of plan.missing) assert.ok(advice.includes(`${probe}: ${why}`), probe);
    const points = stub
      .metrics()
      .flatMap(({ name, sum, gauge }) =>
        ((sum ?? gauge)?.dataPoints ?? []).map(({ attributes, asInt }) => ({ name, attributes, asInt })),
      );
    assert.ok(points.every(({ name }) => name === 'wirespan.agent.probe.status'));
    assert.ok(said('collector')?.endsWith(`took ${points.length} points of wirespan.agent.probe.status`));
    const states = points
      .filter(({ asInt }) => asInt === 1n)
      .map(({ attributes }) => ({
        name: attributes['wirespan.agent.probe.name'],
        state: attributes['wirespan.agent.probe.state'],
      }));
    assert.deepEqual(states, probeStates(plan));
    await isAsBefore(before);
  });

  it('fits a screen, and says what to do where nobody takes telemetry', async () => {
    const { code, stdout, stderr } = await doctor(`--otlp.endpoint=${NOWHERE}`);
    assert.deepEqual([code, stderr], [1, '']);
    assert.match(stdout, /^This machine\n {2}ok {7}kernel +Linux \S+, \w+, with BTF\n/);
    assert.match(stdout, /\n {2}failed {3}collector +http:\/\/127\.0\.0\.1:9: .*ECONNREFUSED/);
    const lines = stdout.trimEnd().split('\n');
    assert.ok(lines.length < 50, String(lines.length));
    assert.ok(
      lines.every((line) => line.length <= 100),
      stdout,
    );
  });

  it('has status 3 without privilege, says which, and loads nothing', async () => {
    const before = programs();
    // Root without capabilities: it may still read the project, wherever that is.
    const dropped = ['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all', '--securebits=+noroot'];
    const words = [...dropped, '--', process.execPath, ...agentArgs('doctor', `--otlp.endpoint=${NOWHERE}`)];
    const { code, stdout, stderr } = await runToEnd('setpriv', words);
    assert.deepEqual([code, stderr], [3, '']);
    assert.match(stdout, /failed {3}privileges +without CAP_BPF, CAP_PERFMON/);
    assert.match(stdout, /run it as root, or with CAP_BPF and CAP_PERFMON/);
    assert.doesNotMatch(stdout, /loaded and attached/);
    await isAsBefore(before);
  });

  it('has one sentence for a setting that is none', async () => {
    const { code, stdout, stderr } = await doctor('--otlp.endpint=x');
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^wirespan: .*otlp\.endpint.*\n$/);
  });
});
