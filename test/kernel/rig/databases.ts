/** Redis and PostgreSQL of a test's own, in its room, with TLS for who asks for it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificates } from '../../support/certificates.ts';
import type { Cleanup } from '../../support/cleanup.ts';
import type { NetNamespace } from '../../support/net-namespace.ts';
import { waitFor } from '../../support/wait.ts';
import { startIn } from './hooked-service.ts';

/** As root PostgreSQL refuses to run. */
const NOBODY = 65_534;
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'];
const VERSIONS = '/usr/lib/postgresql';

/** By the kind of client. */
export const DATABASE_PORTS = { redis: 6379, rediss: 6380, pg: 5432, pgs: 5432 } as const;

export interface Databases {
  /** What signed their certificate. */
  readonly ca: string;
}

/** Both, on 127.0.0.1 of the room; they end with `cleanup`. */
export async function startDatabases(cleanup: Cleanup, room: NetNamespace): Promise<Databases> {
  const folder = join(cleanup.makeFolder(), 'databases');
  mkdirSync(folder, { mode: 0o700 });
  const { ca, cert, key } = makeCertificates(cleanup.makeFolder());
  const [certificate, privateKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  copyFileSync(cert, certificate);
  copyFileSync(key, privateKey);
  for (const path of [join(folder, '..'), folder, certificate, privateKey]) chownSync(path, NOBODY, NOBODY);
  await Promise.all([
    startRedis(cleanup, room, { folder, certificate, privateKey }),
    startPostgres(cleanup, room, { folder, certificate, privateKey }),
  ]);
  return { ca };
}

interface Place {
  readonly folder: string;
  readonly certificate: string;
  readonly privateKey: string;
}

async function startRedis(
  cleanup: Cleanup,
  room: NetNamespace,
  { folder, certificate, privateKey }: Place,
): Promise<void> {
  const tls = ['--tls-port', '6380', '--tls-cert-file', certificate, '--tls-key-file', privateKey];
  const args = ['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--tls-auth-clients', 'no', ...tls];
  const redis = startIn(cleanup, room, [...AS_NOBODY, 'redis-server', ...args]);
  await waitFor('Redis', () => redis.out().includes('Ready to accept connections'));
}

async function startPostgres(
  cleanup: Cleanup,
  room: NetNamespace,
  { folder, certificate, privateKey }: Place,
): Promise<void> {
  const data = join(folder, 'data');
  const initdb = [postgresProgram('initdb'), `--pgdata=${data}`, '--username=shop', '--auth=trust'];
  const [command = '', ...words] = [...AS_NOBODY, ...initdb, '--encoding=UTF8', '--locale=C', '--no-sync'];
  execFileSync(command, words, { cwd: folder, stdio: 'pipe' });
  const lines = [
    "listen_addresses = '127.0.0.1'",
    "unix_socket_directories = ''",
    'max_connections = 60',
    'fsync = off',
    'ssl = on',
    `ssl_cert_file = '${certificate}'`,
    `ssl_key_file = '${privateKey}'`,
    'log_min_messages = fatal',
  ];
  writeFileSync(join(data, 'postgresql.auto.conf'), `${lines.join('\n')}\n`);
  startIn(cleanup, room, [...AS_NOBODY, postgresProgram('postgres'), '-D', data]);
  const isReady = [postgresProgram('pg_isready'), '-h', '127.0.0.1', '-U', 'shop', '-d', 'postgres', '-q'];
  await waitFor('PostgreSQL', () => {
    const { status } = spawnSync('ip', ['netns', 'exec', room.name, ...isReady]);
    return status === 0;
  });
}

/** Debian keeps the programs of each version in a folder that is not on the PATH; elsewhere they are. */
function postgresProgram(name: string): string {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS) : [];
  const paths = versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(VERSIONS, version, 'bin', name));
  return paths.find((path) => existsSync(path)) ?? name;
}
