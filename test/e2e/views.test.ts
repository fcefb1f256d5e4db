/** The views, as commands: what they print of a workload that knows what it did. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { TcpScript } from '../support/script.ts';
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
    const pair = TcpScript.openPair(cleanup);
    const { room } = pair;
    ({ client, server } = pair);
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
