/** What people ask of the tools that they know, with the options that they would type. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { cgroupMounts, makeCgroup } from '../support/cgroups.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { startView } from '../support/view.ts';
import { waitFor } from '../support/wait.ts';

const SSH_PORT = 22;
const SESSIONS = 3;
/** Bytes to a peer of each network. */
const NETWORKS = [
  ['192.0.2.0/24', '192.0.2.7', 5_003],
  ['198.51.100.0/24', '198.51.100.9', 3_001],
  ['0.0.0.0/0', '203.0.113.5', 1_009],
] as const;
/** What each of two control groups does. */
const CONNECTS = [7, 4] as const;
const NOBODY = 65_534;
const MESSAGES = 11;
const MESSAGE = 100;

interface Listening {
  readonly server: TcpScript;
  readonly listener: number;
  readonly port: number;
}

describe('known cases', () => {
  const cleanup = new Cleanup();
  afterEach(() => cleanup.run());

  const openRoom = (): NetNamespace => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    return room;
  };
  const startScript = (room: NetNamespace, cgroup?: string): TcpScript => {
    const script = TcpScript.start(room, cgroup === undefined ? {} : { cgroup });
    cleanup.add(() => script.stop());
    return script;
  };
  /** Who has a control group of its own: its path below the mount point, and a process in it. */
  const startInGroup = (room: NetNamespace, name: string): { path: string; script: TcpScript } => {
    const { v2 } = cgroupMounts();
    assert.ok(v2 !== undefined);
    const path = `/wirespan-${process.pid}-${name}`;
    return { path, script: startScript(room, makeCgroup(cleanup, v2, path)) };
  };
  /** One connection of `client` with a listener. */
  const connect = async (
    client: TcpScript,
    { server, listener, port }: Listening,
    address = '127.0.0.1',
  ): Promise<{ socket: number; accepted: number }> => {
    const [socket, accepted] = [client.next(), server.next()];
    await client.run('socket', socket);
    await client.run('connect-to', socket, address, port);
    await server.run('accept', accepted, listener);
    return { socket, accepted };
  };

  it('tcplife -L 22: the sessions of an SSH server, and nothing else', async () => {
    const room = openRoom();
    const folder = cleanup.makeFolder();
    const [hostKey, key] = [join(folder, 'host'), join(folder, 'user')];
    for (const file of [hostKey, key])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
    const options = [`HostKey=${hostKey}`, `AuthorizedKeysFile=${key}.pub`, 'PidFile=none', 'UsePAM=no'];
    const more = ['StrictModes=no', 'ListenAddress=127.0.0.1', 'LogLevel=INFO', 'PermitRootLogin=yes'];
    const words = [...options, ...more].flatMap((option) => ['-o', option]);
    // Where systemd did not make it.
    const made = mkdirSync('/run/sshd', { recursive: true });
    if (made !== undefined) cleanup.add(() => rmdirSync(made));
    const command = ['netns', 'exec', room.name, '/usr/sbin/sshd', '-D', '-e', '-f', '/dev/null', ...words];
    const server = spawn('ip', command, { stdio: ['ignore', 'ignore', 'pipe'] });
    cleanup.add(() => server.kill());
    let log = '';
    server.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
    await waitFor('the SSH server', () => log.includes('listening'));
    const view = await startView(cleanup, 'tcplife', '-L', String(SSH_PORT), '--json');
    const other = startScript(room);
    const listening = await other.listen();
    for (let i = 0; i < SESSIONS; i += 1) {
      const how = [
        '-F',
        'none',
        '-i',
        key,
        '-o',
        'StrictHostKeyChecking=no',
        '-o',
        'UserKnownHostsFile=/dev/null',
      ];
      assert.equal(room.exec('ssh', '-q', ...how, 'root@127.0.0.1', 'echo', 'hello'), 'hello\n');
      const { socket, accepted } = await connect(other, { server: other, ...listening });
      await other.run('close', socket);
      await other.run('close', accepted);
    }
    const told = [...log.matchAll(/^Accepted publickey for root from 127\.0\.0\.1 port (\d+)/gm)];
    const ports = told.map(([, remote]) => Number(remote));
    assert.equal(ports.length, SESSIONS);
    await waitFor('each session', () => view.rows().length >= SESSIONS);
    assert.equal(await view.stop(), 0);
    const rows = view.rows().map((row) => [row['comm'], row['local_port'], row['remote_port'], row['role']]);
    assert.deepEqual(
      rows,
      ports.map((remote) => ['sshd', SSH_PORT, remote, 'server']),
    );
  });

  it('tcpsubnet with three networks: what was sent to each', async () => {
    const room = openRoom();
    for (const [, address] of NETWORKS) room.exec('ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
    const [client, server] = [startScript(room), startScript(room)];
    const networks = NETWORKS.map(([network]) => network).join(',');
    const view = await startView(cleanup, 'tcpsubnet', networks, '-p', String(client.pid), '--json');
    const { listener, port } = await server.listen('listen-any');
    for (const [, address, bytes] of NETWORKS) {
      const { socket, accepted } = await connect(client, { server, listener, port }, address);
      await client.run('fill', socket, bytes);
      await server.run('read', accepted, bytes);
      await client.run('close', socket);
      await server.run('close', accepted);
    }
    assert.equal(await view.stop(), 0);
    const sums = new Map<string, number>();
    for (const { subnet, bytes } of view.rows())
      sums.set(String(subnet), (sums.get(String(subnet)) ?? 0) + Number(bytes));
    assert.deepEqual(sums, new Map(NETWORKS.map(([network, , bytes]) => [network, bytes])));
  });

  it('tcpconnect -c --cgroup: the connects of one control group by where they went', async () => {
    const room = openRoom();
    const [first, second] = [startInGroup(room, 'first'), startInGroup(room, 'second')];
    const server = startScript(room);
    const { listener, port } = await server.listen();
    const views = await Promise.all(
      [first, second].map(({ path }) => startView(cleanup, 'tcpconnect', '-c', '--cgroup', path, '--json')),
    );
    for (const [i, { script }] of [first, second].entries())
      for (let n = 0; n < (CONNECTS[i] ?? 0); n += 1) await connect(script, { server, listener, port });
    for (const [i, view] of views.entries()) {
      assert.equal(await view.stop(), 0);
      const rows = view.rows().map((row) => [row['remote_port'], row['connects']]);
      assert.deepEqual(rows, [[port, CONNECTS[i]]]);
    }
  });

  it('tcpconnect -U, and -u: the connects of each user', async () => {
    const room = openRoom();
    const clients = [0, NOBODY].map((uid) => {
      const script = TcpScript.start(room, { uid });
      cleanup.add(() => script.stop());
      return script;
    });
    const server = startScript(room);
    const { listener, port } = await server.listen();
    const ports = ['-P', String(port)];
    const [all, one, counts] = await Promise.all([
      startView(cleanup, 'tcpconnect', '-U', ...ports),
      startView(cleanup, 'tcpconnect', '-u', String(NOBODY), ...ports, '--json'),
      startView(cleanup, 'tcpconnect', '-c', '-u', '0', ...ports, '--json'),
    ]);
    for (const [i, client] of clients.entries())
      for (let n = 0; n < (CONNECTS[i] ?? 0); n += 1) await connect(client, { server, listener, port });
    for (const view of [all, one, counts]) assert.equal(await view.stop(), 0);
    const lines = all.stdout().trimEnd().split('\n');
    assert.match(lines[0] ?? '', /^UID +PID +COMM /);
    const users = lines.slice(1).map((line) => line.split(/ +/, 2).map(Number));
    const expected = clients.flatMap(({ pid }, i) =>
      Array.from({ length: CONNECTS[i] ?? 0 }, () => [i === 0 ? 0 : NOBODY, pid]),
    );
    assert.deepEqual(users, expected);
    const pids = one.rows().map((row) => [row['uid'], row['pid']]);
    assert.deepEqual(pids, expected.slice(CONNECTS[0]));
    assert.deepEqual(
      counts.rows().map((row) => [row['remote_port'], row['connects']]),
      [[port, CONNECTS[0]]],
    );
  });

  it('tcprtt --cgroup: a sample of each segment that came to the control group', async () => {
    const room = openRoom();
    const { path, script: client } = startInGroup(room, 'rtt');
    const server = startScript(room);
    const { listener, port } = await server.listen();
    const { socket, accepted } = await connect(client, { server, listener, port });
    const view = await startView(cleanup, 'tcprtt', '--cgroup', path, '--json');
    const before = await client.run('info', socket, 'segs_in');
    for (let i = 0; i < MESSAGES; i += 1) {
      await server.run('fill', accepted, MESSAGE);
      await client.run('read', socket, MESSAGE);
      await waitFor('its acknowledgement', async () => (await server.run('unacked', accepted)) === 0);
    }
    const came = (await client.run('info', socket, 'segs_in')) - before;
    assert.ok(came >= MESSAGES);
    assert.equal(await view.stop(), 0);
    assert.deepEqual(
      view.rows().map(({ samples }) => samples),
      [came],
    );
  });
});
