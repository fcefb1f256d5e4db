/** The views, as commands: what they print of a workload that knows what it did. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { agentArgs, runToEnd } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { startView, type JsonRow, type RunningView } from '../support/view.ts';

const [SENT, AGAIN] = [5_003, 1_009];
const ANSWERED = 2_011;
const BACKLOG = 61;
/** So many packets with data are dropped, then one passes. */
const DROPS = 2;
const MIN_FRAMES = 3;

/** These figures of each row. */
const pick = (rows: readonly JsonRow[], ...names: readonly string[]): unknown[][] =>
  rows.map((row) => names.map((name) => row[name]));

describe('the views', () => {
  const cleanup = new Cleanup();
  const views = new Map<string, RunningView>();
  const statuses = new Map<string, number | null>();
  let client: TcpScript;
  let server: TcpScript;
  let ports: { readonly server: number; readonly client: number; readonly refused: number };

  const start = async (name: string, ...options: readonly string[]): Promise<void> => {
    views.set([name, ...options].join(' '), await startView(cleanup, name, ...options));
  };
  /** What the view of this name printed as objects. */
  const rowsOf = (name: string): readonly JsonRow[] => {
    const [, view] =
      [...views].find(([command]) => command.startsWith(`${name} `) && command.includes('--json')) ?? [];
    assert.ok(view !== undefined, name);
    return view.rows();
  };

  before(async () => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    [client, server] = [TcpScript.start(room), TcpScript.start(room)];
    cleanup.add(() => client.stop());
    cleanup.add(() => server.stop());
    const [ofClient, ofServer] = [String(client.pid), String(server.pid)];
    const netns = String(room.inode);
    await start('tcplife', '--json', '-p', ofClient);
    await start('tcplife', '-p', ofServer);
    await start('tcpaccept', '--json', '-p', ofServer);
    await start('tcpconnect', '--json', '-p', ofClient);
    await start('tcpconnect', '-c', '-p', ofClient);
    await start('tcpconnlat', '--json', '-p', ofClient);
    await start('tcpdrop', '--json', '-s', '--netns', netns);
    await start('tcpretrans', '--json', '-p', ofClient);
    await start('tcpstates', '--json', '-p', ofClient);
    await start('tcptracer', '--json', '-N', netns);
    await start('solisten', '--json', '-n', netns);
    const { listener, port } = await server.listen('listen', BACKLOG);
    const [socket, accepted] = [client.next(), server.next()];
    await client.run('socket', socket);
    const clientPort = await client.run('connect', socket, port);
    await server.run('accept', accepted, listener);
    const drops = `tcp dport ${port} meta length > 100 numgen inc mod ${DROPS + 1} != ${DROPS} counter drop`;
    const checkDropped = (): void =>
      assert.match(room.exec('nft', 'list', 'ruleset'), new RegExp(`counter packets ${DROPS} `));
    room.filterOutput(drops);
    await client.run('fill', socket, SENT);
    await server.run('read', accepted, SENT);
    checkDropped();
    // What its own host does not let out was never sent; what is lost behind it is sent again.
    room.filter(drops);
    await client.run('fill', socket, AGAIN);
    await server.run('read', accepted, AGAIN);
    await server.run('fill', accepted, ANSWERED);
    await client.run('read', socket, ANSWERED);
    await client.run('close', socket);
    await server.run('close', accepted);
    const [nobody, refused] = [client.next(), TcpScript.newPort()];
    await client.run('socket', nobody);
    await assert.rejects(client.run('connect', nobody, refused));
    ports = { server: port, client: clientPort, refused };
    checkDropped();
    for (const [command, view] of views) statuses.set(command, await view.stop());
  });
  after(() => cleanup.run());

  it('end with Ctrl-C as asked, and say nothing else', () => {
    for (const [command, view] of views) {
      assert.equal(statuses.get(command), 0, command);
      const said = view.stderr().replace(/^wirespan \w+: watches; Ctrl-C ends it\n/, '');
      assert.equal(said, '', command);
    }
  });

  it('tcplife: each end with its bytes, and the attempt that was refused', () => {
    const fields = ['pid', 'local_port', 'remote_port', 'bytes_sent', 'bytes_received', 'error'] as const;
    const [pid, { client: from, server: to, refused }] = [client.pid, ports];
    const [life, attempt, ...rest] = pick(rowsOf('tcplife'), ...fields);
    assert.deepEqual(life, [pid, from, to, SENT + AGAIN, ANSWERED, null]);
    assert.deepEqual(
      [attempt?.[0], attempt?.slice(2), rest],
      [pid, [refused, 0, 0, 'connection_refused'], []],
    );
  });

  it('tcplife: the same to a person, in the columns of the original', () => {
    const view = views.get(`tcplife -p ${server.pid}`);
    const [header, line, ...rest] = view?.stdout().trimEnd().split('\n') ?? [];
    assert.equal(header, 'PID     COMM       LADDR           LPORT RADDR           RPORT TX_KB RX_KB MS');
    const expected = `${server.pid} tcp-script 127.0.0.1 ${ports.server} 127.0.0.1 ${ports.client} 1 5`;
    assert.match(line?.replace(/ +/g, ' ') ?? '', new RegExp(`^${expected} \\d+\\.\\d\\d$`));
    assert.deepEqual(rest, []);
  });

  it('tcpaccept, tcpconnect and tcpconnlat: one each, and the refusal', () => {
    const fields = ['pid', 'comm', 'local_port', 'remote_port'] as const;
    const { client: from, server: to, refused } = ports;
    assert.deepEqual(pick(rowsOf('tcpaccept'), ...fields), [[server.pid, 'tcp-script', to, from]]);
    for (const name of ['tcpconnect', 'tcpconnlat']) {
      const [open, failed, ...rest] = pick(rowsOf(name), ...fields, 'error');
      assert.deepEqual(open, [client.pid, 'tcp-script', from, to, null], name);
      assert.deepEqual(failed?.slice(3), [refused, 'connection_refused'], name);
      assert.deepEqual(rest, [], name);
    }
    for (const { latency_ms: ms } of rowsOf('tcpconnlat')) assert.ok(Number(ms) > 0, String(ms));
  });

  it('tcpconnect -c: counts at the end', () => {
    const lines = views.get(`tcpconnect -c -p ${client.pid}`)?.stdout().trimEnd().split('\n') ?? [];
    const counts = lines.map((line) => line.split(/ +/).slice(2));
    assert.deepEqual(counts[0], ['RPORT', 'CONNECTS']);
    const expected = [ports.server, ports.refused].map((port) => [String(port), '1']);
    assert.deepEqual(counts.slice(1).sort(), expected.sort());
  });

  it('tcpdrop: each packet that the filter dropped, with its flags and who sent it, and nobody else', () => {
    const drops = rowsOf('tcpdrop').filter(({ reason }) => reason === 'netfilter_drop');
    const ends = [ports.client, ports.server];
    const ofClient = [client.pid, ...ends, 'established'];
    // A packet that came has no socket yet.
    const ofNobody = [0, ...ends, null];
    const found = pick(drops, 'pid', 'source_port', 'destination_port', 'state');
    assert.deepEqual(found, [ofClient, ofClient, ofNobody, ofNobody]);
    for (const { flags, stack } of drops) {
      assert.ok((flags as string[]).includes('ACK'), String(flags));
      assert.ok((stack as string[]).length > MIN_FRAMES, String(stack));
    }
    const refused = rowsOf('tcpdrop').filter(({ reason }) => reason === 'no_socket');
    assert.deepEqual(pick(refused, 'destination_port', 'flags'), [[ports.refused, ['SYN']]]);
  });

  it('tcpretrans: each of these sent again', () => {
    const rows = rowsOf('tcpretrans');
    assert.equal(rows.length, DROPS);
    for (const row of rows) {
      assert.deepEqual(
        [row['pid'], row['remote_port'], row['state']],
        [client.pid, ports.server, 'established'],
      );
      assert.ok(['timeout', 'tail_loss_probe'].includes(String(row['type'])), String(row['type']));
    }
  });

  it('tcpstates: every change of a client, with its handshake and its refusal', () => {
    const rows = rowsOf('tcpstates');
    const changesOf = (port: number): unknown[] =>
      rows
        .filter(({ remote_port: remote }) => remote === port)
        .map(({ old_state: from, new_state: to }) => `${String(from)} ${String(to)}`);
    assert.deepEqual(changesOf(ports.server), [
      'closed syn_sent',
      'syn_sent established',
      'established fin_wait_1',
      'fin_wait_1 fin_wait_2',
      'fin_wait_2 closed',
    ]);
    assert.deepEqual(changesOf(ports.refused), ['closed syn_sent', 'syn_sent closed']);
    assert.ok(rows.every(({ ms }) => typeof ms === 'number'));
  });

  it('tcptracer: connect, accept and both closes', () => {
    const steps = pick(rowsOf('tcptracer'), 'type', 'pid', 'remote_port');
    const { client: from, server: to } = ports;
    const expected = [
      ['accept', server.pid, from],
      ['close', client.pid, to],
      ['close', server.pid, from],
      ['connect', client.pid, to],
    ];
    assert.deepEqual(steps.sort(), expected.sort());
  });

  it('solisten: the listener with its backlog', () => {
    const fields = ['pid', 'comm', 'local_address', 'local_port', 'backlog'] as const;
    assert.deepEqual(pick(rowsOf('solisten'), ...fields), [
      [server.pid, 'tcp-script', '127.0.0.1', ports.server, BACKLOG],
    ]);
  });
});

describe('a view', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('ends quietly when its reader has enough', async () => {
    const { script } = TcpScript.open(cleanup);
    const view = agentArgs('tcplife', '-p', String(script.pid));
    const words = [process.execPath, ...view].map((word) => `'${word}'`).join(' ');
    const ended = runToEnd('sh', ['-c', `{ ${words}; echo "status $?" >&2; } | head -n 2`]);
    const { listener, port } = await script.listen();
    let isOver = false;
    void ended.then(() => (isOver = true));
    while (!isOver) {
      const [socket, accepted] = [script.next(), script.next()];
      await script.run('socket', socket);
      await script.run('connect', socket, port);
      await script.run('accept', accepted, listener);
      await script.run('close', socket);
      await script.run('close', accepted);
      await script.run('sleep', '-', 20);
    }
    const { stdout, stderr } = await ended;
    assert.equal(stdout.trimEnd().split('\n').length, 2);
    assert.equal(stderr, 'status 0\n');
  });

  it('loads the programs that it needs, and none for what it does not show', async () => {
    const view = await startView(cleanup, 'tcplife', '--json');
    const all = JSON.parse(execFileSync('bpftool', ['-j', 'prog', 'show']).toString()) as { name?: string }[];
    const names = all.map(({ name = '' }) => name).filter((name) => name.startsWith('ws_'));
    assert.equal(await view.stop(), 0);
    assert.ok(names.includes('ws_state'), names.join(' '));
    const others = /^ws_(pass|states|holders|settle|take|drop|reset|softirq|arrive|announce|retransmit$)/;
    assert.deepEqual(
      names.filter((name) => others.test(name)),
      [],
    );
  });

  it('of sums prints what connections sent by network, live and closed ones, and at the end', async () => {
    const { script } = TcpScript.open(cleanup);
    const view = await startView(cleanup, 'tcpsubnet', '127.77.7.0/24,0.0.0.0/0', '--json');
    const { listener, port } = await script.listen('listen-any');
    for (const isClosed of [true, false]) {
      const [socket, accepted] = [script.next(), script.next()];
      await script.run('socket', socket);
      await script.run('connect-to', socket, '127.77.7.7', port);
      await script.run('accept', accepted, listener);
      await script.run('fill', socket, SENT);
      await script.run('read', accepted, SENT);
      if (isClosed) await script.run('close', socket);
    }
    const sent = (): number =>
      view
        .rows()
        .filter(({ subnet }) => subnet === '127.77.7.0/24')
        .reduce((sum, { bytes }) => sum + Number(bytes), 0);
    await waitFor('the bytes of both', () => sent() >= 2 * SENT);
    assert.equal(await view.stop(), 0);
    assert.equal(sent(), 2 * SENT);
  });

  it('of sums ends after as many intervals as it was told', async () => {
    const { code, stdout, stderr } = await runToEnd(process.execPath, agentArgs('softirqs', '1', '2', '-T'));
    assert.deepEqual([code, stderr], [0, 'wirespan softirqs: watches; Ctrl-C ends it\n']);
    const heads = stdout.match(/^\d\d:\d\d:\d\d\nSOFTIRQ +TOTAL_usecs$/gm);
    assert.equal(heads?.length, 2, stdout);
    assert.match(stdout, /^timer +\d+$/m);
  });

  it('says of a cgroup that is not there that it waits', async () => {
    const view = await startView(cleanup, 'tcplife', '--cgroup', '/nobody-made-this');
    assert.equal(await view.stop(), 0);
    assert.match(
      view.stderr(),
      /^wirespan tcplife: there is no cgroup \/nobody-made-this: nothing is shown until it is made\n$/,
    );
  });

  it('has its help, and one sentence for what it does not know', async () => {
    const run = (...args: string[]) => runToEnd(process.execPath, agentArgs(...args));
    const help = await run('tcpretrans', '--help');
    assert.deepEqual([help.code, help.stderr], [0, '']);
    assert.match(help.stdout, /^wirespan tcpretrans shows TCP segments that are sent again/);
    const wrong = await run('tcplife', '--pit', '3');
    assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
    assert.equal(
      wrong.stderr,
      'wirespan: wirespan tcplife: --pit: is no option of it: see wirespan tcplife --help; the nearest is --pid\n',
    );
    const typo = await run('tcplive');
    assert.match(typo.stderr, /the nearest is tcplife/);
  });
});
