/** `wirespan record` and `wirespan replay`: what was seen live is what is shown later, by who has no privilege. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { agentArgs, cleanEnvironment, NODE_OPTIONS, runToEnd, type Ended } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { cgroupMounts, makeCgroup } from '../support/cgroups.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { startView, type JsonRow, type RunningView } from '../support/view.ts';
import { waitFor } from '../support/wait.ts';
import { commandLine, Tmux } from './tmux.ts';
import { totals } from './view-rig.ts';

const NOBODY = 65_534;
const CONNECTIONS = 23;
const SENT = 5_003;
const CONTAINER = process.pid.toString(16).padStart(12, '0').padEnd(64, 'f');
/** Each program that looks has a clock reading of its own. */
const TIMES = /^(time|ms)$|_ms$/;

/** As a user without any privilege. */
function replay(file: string, ...args: readonly string[]): Promise<Ended> {
  return runToEnd('setpriv', [
    `--reuid=${NOBODY}`,
    `--regid=${NOBODY}`,
    '--clear-groups',
    process.execPath,
    ...agentArgs('replay', file, ...args),
  ]);
}

function rowsOf({ stdout }: Ended): JsonRow[] {
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as JsonRow]));
}

function withoutTimes(rows: readonly JsonRow[]): JsonRow[] {
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !TIMES.test(name))));
}

describe('a recording', () => {
  const cleanup = new Cleanup();
  const folder = mkdtempSync(join(tmpdir(), 'wirespan-recordings-'));
  cleanup.add(() => rmSync(folder, { recursive: true, force: true }));
  const files = { plain: join(folder, 'plain'), masked: join(folder, 'masked') };
  const views = new Map<string, RunningView>();
  const said = { stderr: '' };
  let client: TcpScript;
  let room: NetNamespace;

  /** Both recordings begin before, and end after, everything that happens. */
  async function startRecord(
    file: string,
    ...options: readonly string[]
  ): Promise<() => Promise<number | null>> {
    const child = spawn(process.execPath, agentArgs('record', file, ...options), {
      env: cleanEnvironment(NODE_OPTIONS.environment),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    cleanup.add(() => {
      child.kill('SIGKILL');
      return ended;
    });
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said.stderr += text;
        if (text.includes('Ctrl-C ends it')) resolve();
      });
      child.once('close', () => reject(new Error(said.stderr)));
    });
    return () => {
      child.kill('SIGINT');
      return ended;
    };
  }

  before(async () => {
    chmodSync(folder, 0o755);
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    room.exec('ip', 'address', 'add', '192.0.2.7/32', 'dev', 'lo');
    const { v1, v2 } = cgroupMounts();
    const cgroup = makeCgroup(cleanup, v1 ?? v2 ?? '', `/docker/${CONTAINER}`);
    client = TcpScript.start(room, { uid: NOBODY, cgroup });
    cleanup.add(() => client.stop());
    const server = TcpScript.start(room);
    cleanup.add(() => server.stop());
    const stops = await Promise.all([
      startRecord(files.plain),
      startRecord(files.masked, '--mask-addresses'),
    ]);
    const netns = String(room.inode);
    const commands = [
      ['tcplife', '-p', String(client.pid)],
      ['tcpstates', '-p', String(client.pid)],
      ['tcpconnect', '-u', String(NOBODY), '-p', String(client.pid)],
      ['tcpdrop', '--netns', netns, '-s'],
    ] as const;
    await Promise.all(
      commands.map(async ([name, ...options]) =>
        views.set(name, await startView(cleanup, name, '--json', ...options)),
      ),
    );
    const { listener, port } = await server.listen('listen-any');
    for (let i = 0; i < CONNECTIONS; i += 1) {
      const [socket, accepted] = [client.next(), server.next()];
      await client.run('socket', socket);
      await client.run('connect-to', socket, '192.0.2.7', port);
      await server.run('accept', accepted, listener);
      await client.run('fill', socket, SENT);
      await server.run('read', accepted, SENT);
      await client.run('close', socket);
      await server.run('close', accepted);
    }
    const [nobody, refused] = [client.next(), TcpScript.newPort()];
    await client.run('socket', nobody);
    await assert.rejects(client.run('connect-to', nobody, '192.0.2.7', refused));
    for (const view of views.values()) assert.equal(await view.stop(), 0);
    for (const stop of stops) assert.equal(await stop(), 0, said.stderr);
    for (const file of Object.values(files)) {
      assert.equal(statSync(file).mode & 0o777, 0o600);
      chownSync(file, NOBODY, NOBODY);
    }
  });
  after(() => cleanup.run());

  it('says how much it has', () => {
    assert.match(said.stderr, /plain has \d+ bytes of \d+ records and the sums\n/);
  });

  for (const [name, own] of [
    ['tcplife', () => ['-p', String(client.pid)]],
    ['tcpstates', () => ['-p', String(client.pid)]],
    ['tcpconnect', () => ['-u', String(NOBODY), '-p', String(client.pid)]],
    ['tcpdrop', () => ['--netns', String(room.inode), '-s']],
  ] as const)
    it(`shows in ${name} what was shown live`, async () => {
      const ended = await replay(files.plain, name, '--json', ...own());
      assert.deepEqual([ended.code, ended.stderr], [0, '']);
      const live = views.get(name)?.rows() ?? [];
      assert.ok(live.length > 0);
      if (name === 'tcplife') assert.ok(live.every((row) => row['container_id'] === CONTAINER));
      assert.deepEqual(withoutTimes(rowsOf(ended)), withoutTimes(live));
    });

  it('counts in tcptop what each connection moved', async () => {
    const ends = ['pid', 'local_port', 'remote_port', 'socket'];
    const figures = ['bytes_sent', 'bytes_received'];
    for (const file of Object.values(files)) {
      const ended = await replay(file, 'tcptop', '--json', '-p', String(client.pid));
      assert.deepEqual([ended.code, ended.stderr], [0, '']);
      const lives = (views.get('tcplife')?.rows() ?? []).filter(({ error }) => error === null);
      assert.equal(lives.length, CONNECTIONS);
      assert.deepEqual(totals(rowsOf(ended), ends, figures), totals(lives, ends, figures));
    }
  });

  it('is shown on the whole terminal, and stays there', async () => {
    const tmux = new Tmux(cleanup, { width: 120, height: 24 });
    tmux.enter(commandLine(['replay', files.plain, 'top', '-p', String(client.pid)]));
    const isAtEnd = (): boolean => tmux.screen().join('\n').includes('the recording ends here');
    // It takes as long as the recording took.
    await waitFor('the end of the recording', isAtEnd, 150_000);
    tmux.press('2');
    await tmux.shows(
      new RegExp(
        `${client.pid} tcp-script .* ${(CONNECTIONS * SENT) >> 10}K .* ${CONNECTIONS} +${CONNECTIONS} +1$`,
        'm',
      ),
    );
    tmux.press('q');
    await tmux.given();
  });

  it('shows what connections sent, of processes that ended long before too', async () => {
    const { code, stdout } = await replay(files.plain, 'tcpsubnet', '--json', '-i', '3600');
    assert.equal(code, 0);
    const elsewhere = stdout.split('\n').find((line) => line.includes('0.0.0.0/0'));
    assert.ok(elsewhere !== undefined, stdout);
    assert.ok(Number((JSON.parse(elsewhere) as JsonRow)['bytes']) >= CONNECTIONS * SENT);
  });

  it('has other addresses when they are masked, and all else', async () => {
    const [plain, masked] = [
      rowsOf(await replay(files.plain, 'tcplife', '--json', '-p', String(client.pid))),
      rowsOf(await replay(files.masked, 'tcplife', '--json', '-p', String(client.pid))),
    ];
    const isAddress = ([, value]: readonly [string, unknown]): boolean => value === '192.0.2.7';
    const addresses = Object.entries(plain[0] ?? {})
      .filter(isAddress)
      .map(([name]) => name);
    assert.equal(addresses.length, 2);
    const others = new Set(masked.flatMap((row) => addresses.map((name) => row[name])));
    assert.equal(others.size, 1);
    assert.ok(!others.has('192.0.2.7'));
    const rest = (rows: readonly JsonRow[]): unknown[] =>
      withoutTimes(rows).map((row) => ({
        ...row,
        ...Object.fromEntries(addresses.map((name) => [name, ''])),
      }));
    assert.deepEqual(rest(masked), rest(plain));
  });

  it('is used up to where it was cut off, and the status says so', async () => {
    const cut = join(folder, 'cut');
    copyFileSync(files.plain, cut);
    truncateSync(cut, statSync(cut).size - 40);
    chownSync(cut, NOBODY, NOBODY);
    const { code, stdout, stderr } = await replay(cut, 'tcpstates', '--json');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^wirespan replay: \S+cut is cut off or damaged at byte \d+: what is before that is used\n$/,
    );
    assert.notEqual(stdout, '');
  });

  it('is refused in one sentence where it cannot be used', async () => {
    const cases: [readonly string[], RegExp][] = [
      [[files.plain, 'tcpsubnet', '10.1.0.0/16'], /networks 10\.1\.0\.0\/16: are not those of the recording/],
      [[join(folder, 'none'), 'tcplife'], /none cannot be read: ENOENT$/],
    ];
    await Promise.all(
      cases.map(async ([[file = '', ...args], pattern]) => {
        const { code, stdout, stderr } = await replay(file, ...args);
        assert.deepEqual([code, stdout], [2, '']);
        assert.match(stderr.trimEnd(), pattern);
        assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
      }),
    );
  });

  it('is not begun over another file, nor without one', async () => {
    const record = (...args: string[]) => runToEnd(process.execPath, agentArgs('record', ...args));
    const cases: [string[], RegExp][] = [[[files.plain], /plain is there already: --force replaces it$/]];
    await Promise.all(
      cases.map(async ([args, pattern]) => {
        const { code, stderr } = await record(...args);
        assert.equal(code, 2);
        assert.match(stderr.trimEnd(), pattern);
      }),
    );
  });
});
