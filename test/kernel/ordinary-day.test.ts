/** A day of real programs that lose nothing: where the kernel's statistics count no loss, no drop is counted. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { DropStage, gained } from '../support/drop-stage.ts';
import { TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { LossMark } from './rig/losses.ts';

const NGINX = '/usr/sbin/nginx';
const BODY = 'x'.repeat(1_000_003);

/** Connects with Perl, then does `then` with the socket `$s`. */
function perl(port: number, then: string): readonly string[] {
  const start = `use IO::Socket::INET; my $s = IO::Socket::INET->new("127.0.0.1:${port}") or die "$!";`;
  return ['perl', '-MSocket', '-e', `${start} ${then}`];
}

const ASK = 'print $s "GET /body.txt HTTP/1.0\\r\\n\\r\\n"; $s->flush;';
const READ =
  'my $n = 0; while (read($s, my $part, 4096)) { $n += length $part; } $n > 1_000_000 or die "short";';

/** What runs in the room; `deferred`: of a listener with TCP_DEFER_ACCEPT. */
function programs(port: number, deferred: number): readonly (readonly string[])[] {
  const of = (at: number): string => `http://127.0.0.1:${at}/body.txt`;
  const curl = (...words: readonly string[]): readonly string[] => [
    'curl',
    '-sSf',
    '-o',
    '/dev/null',
    ...words,
  ];
  const fetchTwice = `for (let i = 0; i < 2; i += 1) await (await fetch('${of(port)}')).text();`;
  return [
    curl(of(port)),
    curl(of(port), '-o', '/dev/null', of(port)),
    curl('-I', of(port)),
    curl('-0', of(port)),
    curl('-r', '0-99', of(port)),
    curl('--keepalive-time', '1', '--limit-rate', '400K', of(port)),
    curl('--tcp-nodelay', of(port)),
    curl('--tcp-fastopen', of(port)),
    curl('-H', 'Connection: close', of(port)),
    curl(of(deferred)),
    curl('-0', of(deferred)),
    curl('-H', 'Connection: close', of(deferred)),
    perl(port, `${ASK} ${READ}`),
    perl(port, `${ASK} shutdown($s, 1); ${READ}`),
    perl(deferred, `${ASK} shutdown($s, 1); ${READ}`),
    perl(port, 'close $s;'),
    perl(port, 'shutdown($s, 2); close $s;'),
    perl(port, 'setsockopt($s, SOL_SOCKET, SO_LINGER, pack("II", 1, 0)); close $s;'),
    [process.execPath, '--input-type=module', '-e', fetchTwice],
    [
      'bash',
      '-c',
      `exec 3<>/dev/tcp/127.0.0.1/${port}; printf 'HEAD / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3 >/dev/null`,
    ],
  ];
}

describe('an ordinary day', () => {
  const cleanup = new Cleanup();
  let stage: DropStage;
  const [port, deferred] = [TcpScript.newPort(), TcpScript.newPort()];

  before(async () => {
    stage = await DropStage.open(cleanup);
    const folder = cleanup.makeFolder();
    mkdirSync(join(folder, 'html'), { mode: 0o755 });
    writeFileSync(join(folder, 'html', 'body.txt'), BODY);
    const config = join(folder, 'nginx.conf');
    writeFileSync(
      config,
      `daemon off; user root; worker_processes 2; pid ${folder}/pid; error_log stderr;
       events { worker_connections 64; }
       http { access_log off; server { root ${folder}/html;
         listen 127.0.0.1:${port} so_keepalive=1s:1s:3; listen 127.0.0.1:${deferred} deferred; } }\n`,
    );
    const child = spawn('ip', ['netns', 'exec', stage.room.name, NGINX, '-p', folder, '-c', config], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    cleanup.add(async () => {
      child.kill('SIGTERM');
      await ended;
    });
    const listens = (): boolean => stage.room.exec('ss', '-Hltn', `sport = :${deferred}`) !== '';
    await waitFor('nginx to listen', () => child.exitCode !== null || listens());
  });
  after(() => cleanup.run());

  test('twenty programs: keepalives, half-closes, health checks, deferred accepts, resets', (t) => {
    const day = programs(port, deferred);
    assert.equal(day.length, 20);
    const [mark, freed] = [new LossMark(stage), stage.truth()];
    for (const command of day)
      execFileSync('ip', ['netns', 'exec', stage.room.name, ...command], { timeout: 60_000 });
    const taken = gained(freed, stage.truth());
    t.diagnostic(`freed with a reason: ${JSON.stringify(taken)}`);
    assert.ok((taken['not_specified'] ?? 0) > 20, 'the kernel frees some of what it takes with a reason');
    assert.ok(
      mark.losses.every((count) => count === 0),
      mark.losses.join(),
    );
    assert.deepEqual(mark.drops, {});
  });
});
