/** Views that read from a running agent: what they print, what they load, and what the agent sends meanwhile. */
import assert from 'node:assert/strict';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startCollector, type Collector } from '../backends/run.ts';
import { SUBNETS } from '../../receiver/views/tcpsubnet.ts';
import { agentArgs, NODE_OPTIONS, runToEnd, startAgent, type Agent } from '../support/agent.ts';
import { cgroupMounts, makeCgroup } from '../support/cgroups.ts';
import { Cleanup } from '../support/cleanup.ts';
import { TcpScript } from '../support/script.ts';
import { requestOf } from '../support/traceparent.ts';
import { startView, startViewWith, type JsonRow, type RunningView } from '../support/view.ts';
import { waitFor } from '../support/wait.ts';
import { otlpSettings, readOutput } from './observe.ts';
import { commandLine, Tmux } from './tmux.ts';
import { bpfOf, CONTEXT, lose, sentTo, totals, withoutTimes } from './view-rig.ts';

const CONNECTIONS = 7;
const NOBODY = 65_534;
const SENT = 5_003;
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
/** What one connection moved before the views came, and while they watched; it stays open. */
const [EARLIER, MEANWHILE] = [40_009, 30_011];
/** The container of one end, and its control group. */
const CONTAINER = process.pid.toString(16).padStart(12, '0').padEnd(64, 'e');
const CGROUP = `/docker/${CONTAINER}`;
/** How its processes are asked for. */
const OF_CONTAINER: Readonly<Record<string, readonly string[]>> = {
  'of a cgroup': ['--cgroup', CGROUP],
  'of a container': ['--container', CONTAINER.slice(0, 12)],
};
/** How a view is told of one network namespace, where it has an option for that. */
const NETNS: Readonly<Record<string, string>> = { tcptracer: '-N', solisten: '-n', tcpdrop: '--netns' };

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
  let clientPid: number;
  let tmux: Tmux;
  let screen: string;
  const sent = { bytes: 0, long: '', sinceMs: 0, tookMs: 0 };

  const startAgentWith = async (more: Readonly<Record<string, string>>): Promise<Agent> => {
    const collector = await startCollector({ outputDir: join(cleanup.makeFolder(), 'collector') });
    cleanup.add(() => collector.stop());
    collectors.push(collector);
    const started = await startAgent({
      WIRESPAN_CONFIG: settings,
      ...otlpSettings(collector),
      // On this kernel accepts and attempts without a SYN are seen by these alone.
      WIRESPAN_BPF_COSTLY_VARIANTS: 'on',
      WIRESPAN_SUBNETS: SUBNETS,
      ...more,
    });
    cleanup.add(() => started.kill());
    return started;
  };

  before(async () => {
    const folder = cleanup.makeFolder();
    path = join(folder, 'views.sock');
    settings = join(folder, 'settings.yaml');
    const { room, script: server } = TcpScript.open(cleanup);
    // Another user has it than the server.
    const client = TcpScript.start(room, { uid: NOBODY });
    const { v1, v2 } = cgroupMounts();
    writeFileSync(join(makeCgroup(cleanup, v1 ?? v2 ?? '', CGROUP), 'cgroup.procs'), String(client.pid));
    cleanup.add(() => client.stop());
    netns = String(room.inode);
    clientPid = client.pid;
    writeFileSync(settings, `filter:\n  include:\n    - netns: ${netns}\n`);
    pids = new Set([client.pid, server.pid]);
    // One after the other, so that the collectors are in this order.
    agent = await startAgentWith({ WIRESPAN_VIEWS_SOCKET: path });
    plain = await startAgentWith({});
    const older = await server.listen();
    const [long, longAccepted] = [client.next(), server.next()];
    await client.run('socket', long);
    const longPort = await client.run('connect', long, older.port);
    await server.run('accept', longAccepted, older.listener);
    const sendLong = async (bytes: number): Promise<void> => {
      await client.run('fill', long, bytes);
      await server.run('read', longAccepted, bytes);
    };
    await sendLong(EARLIER);
    sent.long = `${client.pid} ${longPort}`;
    tmux = new Tmux(cleanup, { width: 120, height: 24 });
    tmux.enter(commandLine(['top', '--agent', path]));
    sent.sinceMs = performance.now();
    const start = async (name: string, args: readonly string[]): Promise<void> => {
      fed.set(name, await startView(cleanup, ...args, '--json', '--agent', path));
    };
    await Promise.all([
      ...Object.entries(VIEWS).map(async ([name, { options }]) => {
        const ofRoom = NETNS[name] === undefined ? [] : [NETNS[name], netns];
        await start(name, [name, ...options, ...ofRoom]);
        own.set(name, await startView(cleanup, name, '--json', ...options, ...ofRoom, '--no-agent'));
      }),
      start('softirqs', ['softirqs', '1']),
      start('tcpsubnet', ['tcpsubnet']),
      start('tcptop', ['tcptop']),
      ...Object.entries(OF_CONTAINER).map(([name, options]) => start(name, ['tcplife', ...options])),
    ]);
    await tmux.shows(new RegExp(`:${longPort} .*:${older.port} ESTAB +0 +0 `));
    bpf.fed = [...fed.values()].reduce((sum, { pid }) => sum + bpfOf(pid), 0);
    bpf.own = bpfOf(own.get('tcplife')?.pid ?? 0);
    await sendLong(MEANWHILE);
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
    sent.bytes = MEANWHILE + CONNECTIONS * SENT + 2 * requestOf(CONTEXT).length;
    // What it moved is of an interval, and stays.
    screen = await tmux.shows(new RegExp(`:${longPort} .*:${older.port} ESTAB .* 68.4K `));
    tmux.press('4');
    screen += await tmux.shows(new RegExp(`\\[4 Listeners\\][^]*${server.pid} .*:${port} `));
    tmux.press('q');
    await tmux.given();
    // Others may have connections of their own in other namespaces.
    const stopped = [
      ...own.values(),
      ...[...fed].flatMap(([name, view]) => (name === 'tcplife' ? [] : [view])),
    ];
    assert.deepEqual(new Set(await Promise.all(stopped.map((view) => view.stop()))), new Set([0]));
    sent.tookMs = performance.now() - sent.sinceMs;
  });
  after(() => cleanup.run());

  const rowsOf = (views: ReadonlyMap<string, RunningView>, name: string): JsonRow[] =>
    withoutTimes((views.get(name)?.rows() ?? []).filter((row) => String(row['netns']) === netns));

  for (const [name, { options, rows: fewest }] of Object.entries(VIEWS))
    it(`print in ${name} what it prints with programs of its own`, () => {
      const rows = rowsOf(own, name);
      assert.ok(rows.length >= fewest, `${rows.length}`);
      assert.deepEqual(rowsOf(fed, name), rows);
      const clients = rows.filter(({ pid, uid }) => uid !== undefined && pid === clientPid);
      for (const { uid } of clients) assert.equal(uid, NOBODY);
      if (name === 'tcpconnect') assert.equal(clients.length, CONNECTIONS + 1);
      if (options.includes('--trace'))
        assert.ok(
          rows.some(({ trace_id: id }) => id === CONTEXT.traceId),
          JSON.stringify(rows),
        );
    });

  it('print of a control group, or of the container in it, what its processes did, and name the container', () => {
    const all = rowsOf(own, 'tcplife');
    const rows = all.filter(({ container_id: container }) => container === CONTAINER);
    assert.equal(rows.length, CONNECTIONS + 1);
    for (const name of Object.keys(OF_CONTAINER)) assert.deepEqual(rowsOf(fed, name), rows);
    for (const { pid, container_id: container } of all)
      assert.equal(container, pid === clientPid ? CONTAINER : null);
  });

  it('count in tcptop what each connection moved meanwhile, also of those that live on', () => {
    const ends = ['pid', 'local_port', 'remote_port', 'socket'];
    const figures = ['bytes_sent', 'bytes_received'];
    const moved = totals(rowsOf(fed, 'tcptop'), ends, figures);
    const long = Object.entries(moved).filter(([key]) => key.includes(sent.long.split(' ')[1] ?? '-'));
    assert.deepEqual(long.map(([key, bytes]) => [key.startsWith(sent.long), bytes]).sort(), [
      [false, [0, MEANWHILE]],
      [true, [MEANWHILE, 0]],
    ]);
    // All others ended, and tcplife says what they moved.
    const closed = rowsOf(own, 'tcplife').filter(({ error }) => error === null);
    assert.deepEqual(moved, { ...Object.fromEntries(long), ...totals(closed, ends, figures) });
  });

  it('count in tcpsubnet and softirqs what the agent counts', () => {
    const networks = totals(fed.get('tcpsubnet')?.rows() ?? [], ['subnet'], ['bytes']);
    assert.deepEqual(networks, { '127.0.0.1/32': [sent.bytes] });
    const spent = totals(fed.get('softirqs')?.rows() ?? [], ['softirq'], ['seconds']);
    const most = (sent.tookMs / 1000) * availableParallelism();
    assert.ok('net_rx' in spent, JSON.stringify(spent));
    for (const [seconds] of Object.values(spent)) assert.ok(seconds > 0 && seconds < most);
  });

  it('show connections and listeners on the whole terminal, and give it back', () => {
    assert.match(screen, /\[1 Connections\][^]*\[4 Listeners\]/);
    assert.ok(!tmux.isTaken);
  });

  it('load nothing, and say whose words they are', () => {
    assert.equal(bpf.fed, 0);
    assert.ok(bpf.own > 0);
    for (const [name, view] of fed)
      assert.equal(
        view.stderr(),
        `wirespan ${name in OF_CONTAINER ? 'tcplife' : name}: watches through the agent at ${path}, whose filter leaves connections out; Ctrl-C ends it\n`,
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
    const [read, unread] = collectors.map((each) =>
      sentTo(
        each,
        (resource) => pids.has(Number(resource['process.pid'])) || resource['container.id'] === CONTAINER,
      ),
    );
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
