/** Views that read from a running agent: what they print, what they load, and what the agent sends meanwhile. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { PlainAttributes } from '../backends/otlp.ts';
import { startCollector, type Collector } from '../backends/run.ts';
import { agentArgs, NODE_OPTIONS, runToEnd, startAgent, type Agent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { hex, TcpScript } from '../support/script.ts';
import { newContext, requestOf } from '../support/traceparent.ts';
import { startView, startViewWith, type JsonRow, type RunningView } from '../support/view.ts';
import { waitFor } from '../support/wait.ts';
import { otlpSettings, readOutput } from './observe.ts';
import { findPoints, totalsBy } from './otlp.ts';

const CONNECTIONS = 7;
const SENT = 5_003;
/** Each program that looks has a clock reading of its own. */
const TIMES = /^(time|ms)$|_ms$/;
/** All that read from an agent, with their options, and the fewest rows that this workload makes in each. */
const VIEWS: Readonly<Record<string, { readonly options: readonly string[]; readonly rows: number }>> = {
  solisten: { options: [], rows: 1 },
  tcpaccept: { options: [], rows: CONNECTIONS },
  tcpconnect: { options: [], rows: CONNECTIONS + 1 },
  tcpconnlat: { options: [], rows: CONNECTIONS + 1 },
  tcpdrop: { options: ['--trace'], rows: 3 },
  tcplife: { options: [], rows: 2 * CONNECTIONS },
  tcpretrans: { options: ['--trace'], rows: 1 },
  tcpstates: { options: [], rows: 5 * CONNECTIONS },
  tcptracer: { options: [], rows: 2 * CONNECTIONS },
};
/** How a view is told of one network namespace, where it has an option for that. */
const NETNS: Readonly<Record<string, string>> = { tcptracer: '-N', solisten: '-n', tcpdrop: '--netns' };

/** The trace of the request that is lost. */
const CONTEXT = newContext();

/** Both ends of a connection. */
interface Ends {
  readonly client: TcpScript;
  readonly socket: number;
  readonly server: TcpScript;
  readonly accepted: number;
}

/** Requests that the packet filter drops once: behind TCP, so that it is sent again, and before it has left its socket. */
async function lose(room: NetNamespace, port: number, ends: Ends): Promise<void> {
  const request = requestOf(CONTEXT);
  const once = `tcp dport ${port} meta length > 100 numgen inc mod 2 == 0 counter drop`;
  for (const filter of [() => room.filter(once), () => room.filterOutput(once)]) {
    filter();
    await ends.client.run('write', ends.socket, hex(request));
    await ends.server.run('read', ends.accepted, request.length);
  }
  room.filter();
}

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

/** Samples: how often a connection is met by a pass is the agent's own affair. */
const SAMPLES = /\.rtt(?:_variation)?$/;

/** What a collector got of these processes: events and spans by name, and how much each series came to. */
function sentTo(
  collector: Collector,
  pids: ReadonlySet<number>,
): { events: string[]; spans: string[]; sums: object } {
  const { metrics, logs, spans } = readOutput(collector);
  const isOurs = ({ resource }: { readonly resource: PlainAttributes }): boolean =>
    pids.has(Number(resource['process.pid']));
  const counted = metrics.filter(
    (point) =>
      isOurs(point) && (point.type === 'histogram' || point.isMonotonic) && !SAMPLES.test(point.name),
  );
  const names = [...new Set(counted.flatMap(({ attributes }) => Object.keys(attributes)))].sort();
  const sums = [...new Set(counted.map(({ name }) => name))]
    .sort()
    .map((name) => [
      name,
      totalsBy(findPoints(counted, name), ['process.pid', ...names], ({ type, count, value }) =>
        type === 'histogram' ? count : value,
      ),
    ]);
  return {
    events: logs
      .filter(isOurs)
      .map(({ eventName }) => eventName)
      .sort(),
    spans: spans
      .filter(isOurs)
      .map(({ name }) => name)
      .sort(),
    sums: Object.fromEntries(sums) as object,
  };
}

describe('views of a running agent', () => {
  const cleanup = new Cleanup();
  const fed = new Map<string, RunningView>();
  const own = new Map<string, RunningView>();
  const bpf = { fed: 0, own: 0 };
  const collectors: Collector[] = [];
  let pids: ReadonlySet<number>;
  let path: string;
  let settings: string;
  let agent: Agent;
  let plain: Agent;
  let netns: string;

  const startAgentWith = async (more: Readonly<Record<string, string>>): Promise<Agent> => {
    const collector = await startCollector({ outputDir: join(cleanup.makeFolder(), 'collector') });
    cleanup.add(() => collector.stop());
    collectors.push(collector);
    const started = await startAgent({
      WIRESPAN_CONFIG: settings,
      ...otlpSettings(collector),
      // On this kernel accepts and attempts without a SYN are seen by these alone.
      WIRESPAN_BPF_COSTLY_VARIANTS: 'on',
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
    pids = new Set([client.pid, server.pid]);
    // One after the other, so that the collectors are in this order.
    agent = await startAgentWith({ WIRESPAN_VIEWS_SOCKET: path });
    plain = await startAgentWith({});
    await Promise.all(
      Object.entries(VIEWS).map(async ([name, { options }]) => {
        const ofRoom = NETNS[name] === undefined ? [] : [NETNS[name], netns];
        const args = [name, '--json', ...options, ...ofRoom] as const;
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
      if (i === 0) await lose(room, port, { client, socket, server, accepted });
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

  for (const [name, { options, rows: fewest }] of Object.entries(VIEWS))
    it(`print in ${name} what it prints with programs of its own`, () => {
      const rows = rowsOf(own, name);
      assert.ok(rows.length >= fewest, `${rows.length}`);
      assert.deepEqual(rowsOf(fed, name), rows);
      if (options.includes('--trace'))
        assert.ok(
          rows.some(({ trace_id: id }) => id === CONTEXT.traceId),
          JSON.stringify(rows),
        );
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
    await Promise.all(collectors.map((each) => each.stop()));
    const [read, unread] = collectors.map((each) => sentTo(each, pids));
    assert.ok(read !== undefined && unread !== undefined);
    assert.ok(unread.events.length > 0 && unread.spans.length > 0, JSON.stringify(unread));
    assert.ok(Object.keys(unread.sums).length > 10, JSON.stringify(unread));
    assert.deepEqual(read, unread);
    const ofViews = collectors.map((each) => {
      const names = readOutput(each).metrics.map(({ name }) => name);
      return [...new Set(names.filter((name) => name.startsWith('wirespan.agent.view.')))].sort();
    });
    const all = ['count', 'cut_off', 'refused'].map((name) => `wirespan.agent.view.${name}`);
    assert.deepEqual(ofViews, [all, []]);
  });
});
