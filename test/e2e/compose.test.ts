/**
 * deploy/compose.yaml, without Docker: it is what the Compose Specification says, and its programs do together what it starts
 * them for, each with the arguments and files that stand there, in a network namespace. Not Grafana, which no registry has.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse, parseAllDocuments } from 'yaml';
import { backEndPath, type BackEndName } from '../backends/build.ts';
import { runGo } from '../backends/go.ts';
import { projectFolder } from '../backends/place.ts';
import { startBackEnd } from '../backends/process.ts';
import { MANIFEST } from '../backends/render-chart.ts';
import { startAgent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';

const FILE = join(projectFolder, 'deploy', 'compose.yaml');
const SPECIFICATION = {
  module: 'github.com/compose-spec/compose-go/v2@v2.16.2',
  sum: 'h1:pTp1DqQwJzFd85GzlWsSszKA1ABrV/ySqsClujIcWA8=',
};
const TRACE_ID = '5b8aa5a2d2c872e8321cf37308d69df2';
const SENT = 30_011;

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly mem_limit?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes: readonly { readonly type: string; readonly source: string; readonly target: string }[];
}
const compose = parse(readFileSync(FILE, 'utf8')) as { readonly services: Readonly<Record<string, Service>> };
const service = (name: string): Service => compose.services[name] ?? assert.fail(name);
/** Where a file of the host is. */
const hostPath = (source: string): string => (isAbsolute(source) ? source : join(dirname(FILE), source));

describe('deploy/compose.yaml', () => {
  const cleanup = new Cleanup();
  const folder = cleanup.makeFolder();
  after(() => cleanup.run());

  it('is what the Compose Specification says, and its files are there', async () => {
    const answer = await runGo(['mod', 'download', '-json', SPECIFICATION.module], { folder });
    const { Dir, Sum } = JSON.parse(answer) as { Dir: string; Sum: string };
    assert.equal(Sum, SPECIFICATION.sum);
    const schema = JSON.parse(readFileSync(join(Dir, 'schema', 'compose-spec.json'), 'utf8')) as object;
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
    assert.ok(validate(compose), JSON.stringify(validate.errors));
    assert.equal(validate({ services: { a: { imaje: 'x' } } }), false);
    for (const { volumes } of Object.values(compose.services))
      for (const { type, source } of volumes)
        assert.ok(type === 'volume' || existsSync(hostPath(source)), source);
  });

  it('gives the agent what the chart gives it', () => {
    const set = parseAllDocuments(readFileSync(MANIFEST, 'utf8'))
      .map((each) => each.toJS() as Record<string, unknown>)
      .find(({ kind }) => kind === 'DaemonSet') as {
      spec: { template: { spec: { containers: [Container] } } };
    };
    const [{ securityContext, resources }] = set.spec.template.spec.containers;
    const { cap_add, cap_drop, mem_limit } = service('wirespan');
    assert.deepEqual(cap_add?.toSorted(), securityContext.capabilities.add.toSorted());
    assert.deepEqual(cap_drop, securityContext.capabilities.drop);
    assert.equal(mem_limit, resources.limits.memory.replace('Mi', 'm'));
  });

  it('has programs that do together what they are there for', async () => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const inRoom = ['nsenter', `--net=/run/netns/${room.name}`];
    const get = (url: string): string => room.exec('curl', '-sSf', '--max-time', '5', url);
    const start = async (name: string, backEnd: BackEndName, ready: string): Promise<void> => {
      const { command = [], volumes } = service(name);
      const root = join(folder, name);
      for (const { type, source, target } of volumes) {
        mkdirSync(dirname(join(root, target)), { recursive: true });
        if (type === 'volume') mkdirSync(join(root, target));
        else symlinkSync(hostPath(source), join(root, target));
      }
      const args = command.map((arg) => {
        const target = volumes.find((volume) => arg.endsWith(volume.target))?.target;
        return target === undefined ? arg : `${arg.slice(0, -target.length)}${join(root, target)}`;
      });
      const running = await startBackEnd({
        ...{ name, command: await backEndPath(backEnd), args, launcher: inRoom },
        isReady: () => {
          get(ready);
          return true;
        },
      });
      cleanup.add(() => running.stop());
    };
    await start('jaeger', 'jaeger', 'http://127.0.0.1:16686/api/services');
    await start('collector', 'otelcol-newest', 'http://127.0.0.1:9464/metrics');
    await start('prometheus', 'prometheus', 'http://127.0.0.1:9090/-/ready');
    const agent = await startAgent(service('wirespan').environment ?? {}, undefined, inRoom);
    cleanup.add(() => agent.kill());

    const script = TcpScript.start(room);
    cleanup.add(() => script.stop());
    const { listener, port } = await script.listen();
    const [client, server] = [script.next(), script.next()];
    await script.run('socket', client);
    await script.run('connect', client, port);
    await script.run('accept', server, listener);
    await script.run('fill', client, SENT);
    await script.run('read', server, SENT);
    await script.run('close', client);
    await script.run('close', server);
    const query = `sum(wirespan_tcp_io_bytes_total{server_port="${port}",network_io_direction="transmit"})`;
    const total = (): number => {
      const text = get(`http://127.0.0.1:9090/api/v1/query?query=${encodeURIComponent(query)}`);
      const { data } = JSON.parse(text) as { data: { result: readonly { value: [number, string] }[] } };
      return Number(data.result[0]?.value[1] ?? 0);
    };
    await waitFor('Prometheus to have what was sent', () => total() === SENT, 60_000);
    const rules = JSON.parse(get('http://127.0.0.1:9090/api/v1/rules')) as {
      data: { groups: readonly { rules: readonly { health: string }[] }[] };
    };
    assert.ok(rules.data.groups.flatMap((group) => group.rules).length > 5);

    sendSpan(room);
    const trace = `http://127.0.0.1:16686/api/traces/${TRACE_ID}`;
    // It answers 404 until then.
    const shown = (): string => room.exec('curl', '-sS', '--max-time', '5', trace);
    await waitFor('Jaeger to have a trace', () => shown().includes('"operationName":"GET /"'));
  });
});

interface Container {
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly securityContext: { readonly capabilities: { readonly drop: string[]; readonly add: string[] } };
}

/** What an application sends to the collector. */
function sendSpan(room: NetNamespace): void {
  const now = BigInt(Date.now()) * 1_000_000n;
  const span = {
    ...{ traceId: TRACE_ID, spanId: '051581bf3cb55c13', name: 'GET /', kind: 2 },
    ...{ startTimeUnixNano: String(now - 1_000_000n), endTimeUnixNano: String(now) },
  };
  const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  execFileSync('ip', [
    ...['netns', 'exec', room.name, 'curl', '-sSf', '-H', 'content-type: application/json'],
    ...['--data-binary', body, 'http://127.0.0.1:4318/v1/traces'],
  ]);
}
