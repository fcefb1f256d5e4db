/** PostgreSQL and Redis of the demo's own: on 127.0.0.1 with passwords, as `nobody`, all that they write in one folder. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { startBackEnd, type RunningBackEnd } from '../test/backends/process.ts';
import { NOBODY, own } from './own.ts';

/** A database that runs. */
export interface Database extends RunningBackEnd {
  /** With its password. */
  readonly url: string;
}

export interface DatabaseOptions {
  readonly port: number;
  /** An empty folder that goes with the demo. */
  readonly folder: string;
  /** The control group that it runs in: segments to it can be lost. */
  readonly cgroup: string;
  readonly signal: AbortSignal;
}

const VERSIONS = '/usr/lib/postgresql';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS orders (id integer PRIMARY KEY, customer text NOT NULL, items text[] NOT NULL);
  INSERT INTO orders SELECT id, 'customer ' || id, ARRAY['tea', 'bread'] FROM generate_series(1, 1000) AS id
    ON CONFLICT DO NOTHING;`;

/** PostgreSQL with a table of 1,000 orders. */
export async function startPostgres({ port, folder, cgroup, signal }: DatabaseOptions): Promise<Database> {
  const [data, password] = [join(folder, 'data'), randomBytes(16).toString('hex')];
  const passwordFile = writeOwned(folder, 'password', password);
  const { launcher: [command = '', ...launch] = [] } = own({ user: NOBODY });
  const words = ['--username=shop', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--encoding=UTF8'];
  const initdb = [postgresProgram('initdb'), `--pgdata=${data}`, ...words, '--locale=C', '--no-sync'];
  // The caller's folder may be one that `nobody` cannot enter.
  await runToEnd(command, [...launch, ...initdb], { signal, cwd: folder });
  const url = `postgresql://shop:${password}@127.0.0.1:${port}/postgres`;
  const running = await startBackEnd({
    ...own({ user: NOBODY, cgroup }),
    name: 'PostgreSQL',
    command: postgresProgram('postgres'),
    args: ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', '', '-F'],
    // SIGTERM would wait for its clients.
    stopSignal: 'SIGINT',
    signal,
    isReady: async () => {
      const client = new pg.Client(url);
      client.on('error', () => undefined);
      await client.connect();
      await client.query(SCHEMA).finally(() => client.end());
      return true;
    },
  });
  return { ...running, url };
}

/** An empty Redis. */
export async function startRedis({ port, folder, cgroup, signal }: DatabaseOptions): Promise<Database> {
  const password = randomBytes(16).toString('hex');
  const lines = ['bind 127.0.0.1', `port ${port}`, `requirepass ${password}`, `dir ${folder}`, 'save ""'];
  const running = await startBackEnd({
    ...own({ user: NOBODY, cgroup }),
    name: 'Redis',
    command: 'redis-server',
    args: [writeOwned(folder, 'redis.conf', `${lines.join('\n')}\n`)],
    signal,
    isReady: (log) => log.includes('Ready to accept connections'),
  });
  return { ...running, url: `redis://:${password}@127.0.0.1:${port}` };
}

/**
 * Runs a program. When `signal` ends it, waits for it and for those that it started, which write into its folder until then: of
 * `execFile`, the caller would hear at once.
 */
async function runToEnd(
  command: string,
  args: readonly string[],
  { signal, cwd }: { readonly signal: AbortSignal; readonly cwd: string },
): Promise<void> {
  signal.throwIfAborted();
  const running = promisify(execFile)(command, args, { cwd });
  const end = (): boolean => running.child.kill();
  signal.addEventListener('abort', end);
  await running.finally(() => signal.removeEventListener('abort', end));
}

/** A file, in a folder that is made when it is not there, both of `nobody` alone. */
function writeOwned(folder: string, name: string, text: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  for (const each of [folder, path]) chownSync(each, NOBODY, NOBODY);
  return path;
}

/** Debian keeps the programs of each version in a folder that is not on the PATH; elsewhere they are. */
function postgresProgram(name: string): string {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS) : [];
  const paths = versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(VERSIONS, version, 'bin', name));
  return paths.find((path) => existsSync(path)) ?? name;
}
