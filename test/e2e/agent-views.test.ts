/** Views that read from a running agent: what they print, what they load, and what the agent sends meanwhile. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { agentArgs, NODE_OPTIONS, runToEnd, startAgent, type Agent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { startOtlpStub, type OtlpStub } from '../support/otlp-stub.ts';
import { TcpScript } from '../support/script.ts';
import { startView, startViewWith, type JsonRow, type RunningView } from '../support/view.ts';
import { waitFor } from '../support/wait.ts';

const CONNECTIONS = 7;
const SENT = 5_003;
/** Each program that looks has a clock reading of its own. */
const TIMES = /^(time|ms)$|_ms$/;
const VIEWS = ['tcplife', 'tcpstates', 'tcptracer', 'tcpdrop'] as const;

function withoutTimes(rows: readonly JsonRow[]): JsonRow[] {
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !TIMES.test(name))));
}

/** Programs, maps and links of BPF that a process holds open. */
function bpfOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((fd) => {
    try {
      return /bpf/.test(readlinkSync(join(folder, fd)));
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

/** What a collector got of the room's processes: events and spans, and how much each counter came to. */
function sentTo(stub: OtlpStub, executable: string): unknown {
  const isOurs = ({ resource }: { resource: unknown }): boolean =>
    JSON.stringify(resource).includes(executable);
  const events = stub.logRecords().filter(isOurs);
  const points = stub.metrics().filter(isOurs);
  return {
    events: events.map(({ eventName }) => eventName).sort(),
    spans: stub.spans().filter(isOurs).length,
    metrics: [...new Set(points.map(({ name }) => name))].sort(),
  };
}

describe('views of a running agent', () => {
  const cleanup = new Cleanup();
  const fed = new Map<string, RunningView>();
  const own = new Map<string, RunningView>();
  const bpf = { fed: 0, own: 0 };
  const stubs: OtlpStub[] = [];
  let path: string;
  let settings: string;
  let agent: Agent;
  let plain: Agent;
  let netns: string;

  const startAgentWith = async (more: Readonly<Record<string, string>>): Promise<Agent> => {
    const stub = await startOtlpStub({ protocol: 'http/protobuf' });
    stubs.push(stub);
    const started = await startAgent({
      WIRESPAN_CONFIG: settings,
      WIRESPAN_OTLP_ENDPOINT: stub.url,
      WIRESPAN_OTLP_PROTOCOL: 'http/protobuf',
      ...more,
    });
    cleanup.add(() => started.kill());
    return started;
  };

  before(async () => {
    const folder = cleanup.makeFolder();
    path = join(folder, 'views.sock');
    settings = join(folder, 'settings.yaml');
    const { room, client, server } = TcpScript.openPair(cleanup);
    netns = String(room.inode);
    writeFileSync(settings, `filter:\n  include:\n    - netns: ${netns}\n`);
    [agent, plain] = await Promise.all([startAgentWith({ WIRESPAN_VIEWS_SOCKET: path }), startAgentWith({})]);
    await Promise.all(
      VIEWS.map(async (name) => {
        const option = { tcptracer: '-N', tcpdrop: '--netns' }[name as string];
        const args = [name, '--json', ...(option === undefined ? [] : [option, netns])] as const;
        fed.set(name, await startView(cleanup, ...args, '--agent', path));
        own.set(name, await startView(cleanup, ...args, '--no-agent'));
      }),
    );
    bpf.fed = [...fed.values()].reduce((sum, { pid }) => sum + bpfOf(pid), 0);
    bpf.own = bpfOf(own.get('tcplife')?.pid ?? 0);
    const { listener, port } = await server.listen();
    for (let i = 0; i < CONNECTIONS; i += 1) {
      const [socket, accepted] = [client.next(), server.next()];
      await client.run('socket', socket);
      await client.run('connect', socket, port);
      await server.run('accept', accepted, listener);
      await client.run('fill', socket, SENT);
      await server.run('read', accepted, SENT);
      await client.run('close', socket);
      await server.run('close', accepted);
    }
    const nobody = client.next();
    await client.run('socket', nobody);
    await assert.rejects(client.run('connect', nobody, TcpScript.newPort()));
    // Others may have connections of their own in other namespaces.
    const stopped = [
      ...own.values(),
      ...[...fed].flatMap(([name, view]) => (name === 'tcplife' ? [] : [view])),
    ];
    assert.deepEqual(new Set(await Promise.all(stopped.map((view) => view.stop()))), new Set([0]));
  });
  after(() => cleanup.run());

  const rowsOf = (views: ReadonlyMap<string, RunningView>, name: string): JsonRow[] =>
    withoutTimes((views.get(name)?.rows() ?? []).filter((row) => String(row['netns']) === netns));

  for (const name of VIEWS)
    it(`print in ${name} what it prints with programs of its own`, () => {
      const rows = rowsOf(own, name);
      assert.ok(rows.length >= (name === 'tcpdrop' ? 1 : CONNECTIONS), `${rows.length}`);
      assert.deepEqual(rowsOf(fed, name), rows);
    });

  it('load nothing, and say whose words they are', () => {
    assert.equal(bpf.fed, 0);
    assert.ok(bpf.own > 0);
    for (const [name, view] of fed)
      assert.equal(
        view.stderr(),
        `wirespan ${name}: watches through the agent at ${path}, whose filter leaves connections out; Ctrl-C ends it\n`,
      );
  });

  it('have a socket that is for its owner alone', () => {
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('load programs of their own, and say why, for what the agent does not have', async () => {
    const lacking = `the agent at ${path} records no code.stacktrace with its settings`;
    const named = await runToEnd(process.execPath, agentArgs('tcpdrop', '-s', '--agent', path), {
      env: NODE_OPTIONS.environment,
    });
    assert.deepEqual([named.code, named.stderr], [1, `wirespan: ${lacking}\n`]);
    const found = await startViewWith({ WIRESPAN_VIEWS_SOCKET: path }, cleanup, 'tcpdrop', '--json', '-s');
    assert.equal(await found.stop(), 0);
    assert.match(found.stderr(), new RegExp(`^wirespan tcpdrop: ${lacking}: it loads programs of its own\n`));
  });

  it('are found by the setting’s variable, and are told of another filter', async () => {
    const view = await startViewWith({ WIRESPAN_VIEWS_SOCKET: path }, cleanup, 'tcpaccept', '--json');
    writeFileSync(settings, `filter:\n  include:\n    - netns: ${netns}\n  exclude:\n    - port: 1\n`);
    process.kill(agent.pid, 'SIGHUP');
    await waitFor('the view to tell', () => view.stderr().includes('changed'));
    assert.match(
      view.stderr(),
      /^wirespan tcpaccept: the filter of the agent has changed: it has 2 rules now$/m,
    );
    assert.equal(await view.stop(), 0);
  });

  it('end, with a sentence and status 1, when the agent does, whose telemetry is what it is without them', async () => {
    const ended = await Promise.all([agent.stop(), plain.stop()]);
    assert.deepEqual(
      ended.map(({ code }) => code),
      [0, 0],
    );
    const view = fed.get('tcplife');
    assert.equal(await view?.ended(), 1);
    assert.match(
      view?.stderr() ?? '',
      new RegExp(`\nwirespan tcplife: the agent at ${path} ended, and so does this\n$`),
    );
    assert.equal(existsSync(path), false);
    const [read, unread] = stubs.map((stub) => sentTo(stub, 'tcp-script'));
    assert.deepEqual(read, unread);
    const counted = (stub: OtlpStub | undefined): string[] =>
      (stub?.metrics() ?? [])
        .map(({ name }) => name)
        .filter((name) => name.startsWith('wirespan.agent.view.'));
    assert.deepEqual([...new Set(counted(stubs[0]))].sort(), [
      'wirespan.agent.view.count',
      'wirespan.agent.view.cut_off',
      'wirespan.agent.view.refused',
    ]);
    assert.deepEqual(counted(stubs[1]), []);
  });
});
