/** The container image: what it has inside, and that an OCI runtime runs it as Docker, Podman and Kubernetes ask for. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { packImage } from '../../scripts/package/image.ts';
import { MACHINES, staging } from '../../scripts/package/place.ts';
import { readMetricPoints } from '../backends/otlp.ts';
import { projectFolder } from '../backends/place.ts';
import { findFreePorts } from '../backends/process.ts';
import { MANIFEST } from '../backends/render-chart.ts';
import { startCollector } from '../backends/run.ts';
import { agentSettings, runToEnd, startCommand } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { makePackages } from '../support/packages.ts';
import { waitFor } from '../support/wait.ts';
import { Bundle, type Context } from './image-bundle.ts';
import { makeMemoryCgroup } from './memory-cgroup.ts';

const MOST_BYTES = 150e6;
/** Those that the agent keeps, by their numbers: DAC_READ_SEARCH, SYS_PTRACE, SYSLOG, BPF. */
const KEPT = [2n, 19n, 34n, 39n].reduce((sum, bit) => sum | (1n << bit), 0n);

/** The one container of deploy/kubernetes/, as far as it says what the process may do. */
interface Container {
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly securityContext: {
    readonly runAsUser: number;
    readonly allowPrivilegeEscalation: boolean;
    readonly capabilities: { readonly add: readonly string[] };
  };
}

function chartContainer(): Container {
  const objects = parseAllDocuments(readFileSync(MANIFEST, 'utf8')).map((each) => each.toJS() as object);
  const set = objects.find((object) => 'kind' in object && object.kind === 'DaemonSet');
  return (set as { spec: { template: { spec: { containers: [Container] } } } }).spec.template.spec
    .containers[0];
}

describe('the container image', () => {
  const cleanup = new Cleanup();
  const folder = cleanup.makeFolder();
  const { securityContext, resources } = chartContainer();
  const capabilities = securityContext.capabilities.add;
  let archive: string;
  let bundle: Bundle;

  /** `docker run --cap-add` gives another user than root a bounding set, and its permitted set by the file. */
  const docker: Context = { uid: 65_532, capabilities, sets: [], noNewPrivileges: false };
  const kubernetes: Context = {
    uid: securityContext.runAsUser,
    capabilities,
    sets: ['permitted', 'effective'],
    noNewPrivileges: !securityContext.allowPrivilegeEscalation,
  };
  const contexts: Readonly<Record<string, Context>> = {
    'Kubernetes, with the securityContext of the chart': kubernetes,
    'Kubernetes, as root': { ...kubernetes, uid: 0 },
    'Podman, which makes them ambient': {
      ...kubernetes,
      sets: ['permitted', 'effective', 'inheritable', 'ambient'],
    },
  };

  before(async () => {
    ({ image: archive } = await makePackages());
    const layout = join(folder, 'layout');
    mkdirSync(layout);
    execFileSync('tar', ['-C', layout, '-xf', archive]);
    const { version } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
      version: string;
    };
    bundle = new Bundle(cleanup, `${layout}:${version}`);
  });
  after(() => cleanup.run());

  it('says who runs what, for each kind of archive', (t) => {
    const inspect = (kind: string): unknown =>
      JSON.parse(execFileSync('skopeo', ['inspect', '--config', `${kind}:${archive}`], { encoding: 'utf8' }));
    const described = inspect('oci-archive') as {
      config: Record<string, unknown> & { Labels: Readonly<Record<string, string>> };
    };
    assert.deepEqual(inspect('docker-archive'), described);
    const { Labels: labels, ...rest } = described.config;
    assert.deepEqual(rest, {
      User: '65532:65532',
      Entrypoint: ['/usr/bin/wirespan'],
      Cmd: ['run', '--output=none'],
      Env: ['PATH=/usr/bin'],
      StopSignal: 'SIGTERM',
    });
    const revision = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: projectFolder, encoding: 'utf8' });
    assert.equal(labels['org.opencontainers.image.revision'], revision.trim());
    const [unpacked = 0] = execFileSync('du', ['-sb', bundle.path('')], { encoding: 'utf8' })
      .split('\t')
      .map(Number);
    t.diagnostic(
      `${(statSync(archive).size / 1e6).toFixed(1)} MB, unpacked ${(unpacked / 1e6).toFixed(1)} MB`,
    );
    assert.ok(unpacked < MOST_BYTES, `${unpacked} bytes unpacked`);
  });

  it('has one command, and says what else is inside, and under which licences', () => {
    assert.deepEqual(readdirSync(bundle.path('usr/bin')), ['wirespan']);
    const { components } = JSON.parse(
      readFileSync(bundle.path('usr/share/doc/wirespan/sbom.cdx.json'), 'utf8'),
    ) as { components: { name: string; version: string }[] };
    const status = readFileSync(bundle.path('var/lib/dpkg/status.d/libc6'), 'utf8');
    const version = /^Version: (.*)$/m.exec(status)?.[1];
    assert.equal(components.find(({ name }) => name === 'libc6')?.version, version);
    for (const name of ['libbpf', 'grpc-js'])
      assert.ok(
        components.some((component) => component.name.endsWith(name)),
        name,
      );
    for (const path of ['wirespan/LICENSE', 'wirespan/THIRD_PARTY_LICENSES', 'libstdc++6/copyright'])
      assert.ok(statSync(bundle.path(`usr/share/doc/${path}`)).size > 0, path);
  });

  it('is the same to the byte when its files are packed again at another time', () => {
    const machine = MACHINES.find(({ arch }) => arch === process.arch);
    assert.ok(machine !== undefined);
    const files = join(staging, `image-${machine.debian}`);
    execFileSync('find', [files, '-exec', 'touch', '--no-dereference', '{}', '+']);
    assert.ok(readFileSync(packImage(machine, join(folder, 'again'))).equals(readFileSync(archive)));
  });

  it('runs as a user without privileges on a read-only root, in a group with the memory of the chart', async (t) => {
    const [, mebibytes = ''] = /^(\d+)Mi$/.exec(resources.limits.memory) ?? [];
    const group = makeMemoryCgroup(
      cleanup,
      `wirespan-image-${String(process.pid)}`,
      Number(mebibytes) * 2 ** 20,
    );
    assert.ok(group !== undefined, 'no control group of this machine limits memory');
    const collector = await startCollector({ outputDir: join(folder, 'collector') });
    cleanup.add(() => collector.stop());
    const [port] = await findFreePorts(1);
    const { MALLOC_MMAP_THRESHOLD_: set, ...env } = agentSettings({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.grpcPort}`,
      WIRESPAN_HEALTH_LISTEN: `127.0.0.1:${port}`,
    });
    const { name, line } = bundle.container(docker, env, { group: group.folder });
    const agent = await startCommand(line, {}, true);
    cleanup.add(() => agent.kill());
    const ready = agent.log().find(({ msg }) => msg === 'ready');
    const { pid } = JSON.parse(execFileSync(...split(bundle.runtime('state', name)))) as { pid: number };
    const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
    const field = (of: string): string => new RegExp(`^${of}:\\s+(\\S+)`, 'm').exec(status)?.[1] ?? '';
    assert.equal(field('Uid'), '65532');
    assert.equal(BigInt(`0x${field('CapPrm')}`), KEPT, JSON.stringify(ready));
    // What other packages set in a script of the shell.
    const environment = readFileSync(`/proc/${String(pid)}/environ`, 'utf8').split('\0');
    assert.ok(environment.includes(`MALLOC_MMAP_THRESHOLD_=${String(set)}`));
    await waitFor('metrics at the collector', () =>
      readMetricPoints(collector.metricsFile).some(
        ({ name: metric }) => metric === 'wirespan.agent.probe.status',
      ),
    );
    const told = execFileSync(...split(bundle.runtime('exec', name, '/usr/bin/wirespan', 'status')));
    assert.match(told, /ok\s+healthy/);
    const { code, stderr } = await agent.stop();
    assert.equal(code, 0, stderr);
    assert.equal(group.kills(), 0);
    t.diagnostic(`at most ${Math.round(group.peak() / 1e6)} MB charged`);
  });

  for (const [name, context] of Object.entries(contexts))
    it(`has all privileges that it uses: ${name}`, async () => {
      assert.deepEqual(await privileges(context), 'all that are used');
    });

  it('says what it lacks where an engine keeps file capabilities away', async () => {
    assert.match(await privileges({ ...docker, noNewPrivileges: true }), /^without CAP_BPF, CAP_PERFMON, /);
  });

  async function privileges(context: Context): Promise<string> {
    const { line } = bundle.container(
      context,
      {},
      {
        words: ['doctor', '--json', '--otlp.metrics.exporter=none'],
      },
    );
    const [command, args] = split(line);
    const { stdout, stderr } = await runToEnd(command, args);
    assert.ok(stdout.startsWith('{'), stderr);
    const { findings } = JSON.parse(stdout) as { findings: { subject: string; found: string }[] };
    return findings.find(({ subject }) => subject === 'privileges')?.found ?? '';
  }
});

/** A command line as functions that start programs want it, with what they print as text. */
function split(line: readonly string[]): [string, string[], { encoding: 'utf8' }] {
  const [command = '', ...args] = line;
  return [command, args, { encoding: 'utf8' }];
}
