/** The chart, without a cluster: Helm takes it, Kubernetes' own schemas do, and so do the agent and this kernel. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { projectFolder } from '../backends/place.ts';
import { CHART, MANIFEST, renderChart, renderManifest, runHelm } from '../backends/render-chart.ts';
import { agentArgs, runToEnd } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { fromPypi } from '../support/pinned-package.ts';

/** Arguments for variants of the chart that differ in what they render. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  'its own values': [],
  'everything else': [
    '--set=hostNetwork=false,settings.profile=small,settings.correlation.http2=on,extraCapabilities={SYS_ADMIN}',
    '--set=seLinuxOptions.type=spc_t,priorityClassName=system-node-critical,podAnnotations.a=b,podLabels.c=d',
    '--set=extraEnv[0].name=OTEL_EXPORTER_OTLP_HEADERS,extraEnv[0].value=a=b,imagePullSecrets[0].name=s',
  ],
};
const KUBERNETES = ['1.25.0', '1.29.0', '1.30.0', '1.37.0'];

interface Probe {
  readonly httpGet: { readonly path: string; readonly host?: string; readonly port: number };
}
interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: { readonly capabilities: { readonly drop: string[]; readonly add: string[] } };
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
}

/** The one container, and the settings that it finds in its file. */
function containerOf(manifest: string): { readonly container: Container; readonly settings: string } {
  const objects = parseAllDocuments(manifest).map((document) => document.toJS() as Record<string, unknown>);
  const find = (kind: string): unknown => objects.find((object) => object['kind'] === kind);
  const { spec } = find('DaemonSet') as {
    spec: { template: { spec: { containers: [Container] } } };
  };
  const { data } = find('ConfigMap') as { data: { 'wirespan.yaml': string } };
  return { container: spec.template.spec.containers[0], settings: data['wirespan.yaml'] };
}

describe('the chart for Kubernetes', () => {
  const cleanup = new Cleanup();
  const folder = cleanup.makeFolder();
  const rendered: Record<string, string> = {};
  before(async () => {
    for (const [name, args] of Object.entries(VARIANTS)) rendered[name] = await renderChart(...args);
  });
  after(() => cleanup.run());

  it('is sound to Helm', async () =>
    assert.match(await runHelm('lint', '--strict', CHART), /0 chart\(s\) failed/));

  it('is what deploy/kubernetes/wirespan.yaml was rendered from', async () =>
    assert.equal(
      readFileSync(MANIFEST, 'utf8'),
      await renderManifest(),
      'run node test/backends/render-chart.ts',
    ));

  it('is sound to Kubernetes, from the oldest version that it names', async () => {
    const env = { ...process.env, PYTHONPATH: fromPypi('kubernetes-validate', '1.37.0') };
    for (const version of KUBERNETES) {
      const files: string[] = [];
      for (const args of Object.values(VARIANTS)) {
        const file = join(folder, `objects-${files.length}.yaml`);
        writeFileSync(file, await renderChart(`--kube-version=${version}`, ...args));
        files.push(file);
      }
      const words = ['-m', 'kubernetes_validate', '--strict', '-k', version.replace(/\.0$/, ''), ...files];
      const said = execFileSync('python3', words, {
        env,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      assert.equal(said.match(/passed for resource/g)?.length, 3 * files.length, `${version}: ${said}`);
    }
  });

  it('refuses values that it does not know, or that cannot be', async () => {
    const wrong = [
      'imag.tag=1',
      'image.repository=',
      'extraCapabilities={CAP_BPF}',
      'health.port=0',
      'collector.endpoint=x:1',
    ];
    for (const value of wrong)
      await assert.rejects(renderChart(`--set=${value}`), /values don't meet|schema/i, value);
  });

  for (const name of Object.keys(VARIANTS))
    it(`gives the agent settings that it takes, and probes where it listens: ${name}`, async () => {
      const { container, settings } = containerOf(rendered[name] ?? '');
      const file = join(folder, 'wirespan.yaml');
      writeFileSync(file, settings);
      const values: Record<string, string> = { NODE_IP: '192.0.2.7', NODE_NAME: 'node-7' };
      const env = Object.fromEntries(
        container.env.flatMap(({ name: key, value }) =>
          value === undefined
            ? []
            : [[key, value.replace(/\$\((\w+)\)/g, (_, of: string) => values[of] ?? '?')]],
        ),
      );
      assert.equal(env['WIRESPAN_CONFIG'], '/etc/wirespan/wirespan.yaml');
      const [, ...flags] = container.args;
      const words = agentArgs('check-config', ...flags);
      const { code, stdout, stderr } = await runToEnd(process.execPath, words, {
        env: { ...env, WIRESPAN_CONFIG: file },
      });
      assert.deepEqual([code, stderr], [0, ''], stderr);
      assert.match(stdout, /http:\/\/192\.0\.2\.7:4317/);
      const { httpGet: get } = container.startupProbe;
      const address = `${get.host ?? '0.0.0.0'}:${get.port}`;
      assert.equal(env['WIRESPAN_HEALTH_LISTEN'], address);
      const paths = [container.startupProbe, container.readinessProbe, container.livenessProbe].map(
        ({ httpGet }) => `${httpGet.host ?? '0.0.0.0'}:${httpGet.port}${httpGet.path}`,
      );
      assert.deepEqual(paths, [`${address}/readyz`, `${address}/readyz`, `${address}/healthz`]);
    });

  it('has capabilities with which all works that works for root, and none that is not asked for', async () => {
    const { drop, add } = containerOf(rendered['its own values'] ?? '').container.securityContext
      .capabilities;
    assert.deepEqual(drop, ['ALL']);
    const doctor = async (held: readonly string[] | undefined): Promise<string[]> => {
      const words = [process.execPath, ...agentArgs('doctor', '--json', '--otlp.metrics.exporter=none')];
      const sets = `-all,${(held ?? []).map((name) => `+${name.toLowerCase()}`).join(',')}`;
      const launcher = held === undefined ? [] : ['setpriv', `--bounding-set=${sets}`, '--inh-caps=-all'];
      const [command = '', ...args] = [...launcher, ...words];
      const { stdout } = await runToEnd(command, args);
      const { findings } = JSON.parse(stdout) as { findings: { subject: string; found: string }[] };
      return findings.map(({ subject, found }) => `${subject}: ${found}`);
    };
    const asRoot = await doctor(undefined);
    assert.ok(asRoot.includes('privileges: all that are used'));
    assert.deepEqual(await doctor(add), asRoot);
    const table = readFileSync(join(projectFolder, 'docs', 'compatibility.md'), 'utf8');
    const documented = [...table.matchAll(/^\| `CAP_(\w+)` +\| (\S+)/gm)].map(([, name = '']) => name);
    // SYS_ADMIN is for old kernels with an old libbpf, and for metrics that are off.
    assert.deepEqual(add.toSorted(), documented.filter((name) => name !== 'SYS_ADMIN').toSorted());
  });
});
