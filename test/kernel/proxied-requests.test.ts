/**
 * curl and Python through nginx, as Debian ships them, to a Node server: what any of the four ends sends again is on the trace of the
 * request that it carries. Nothing here makes spans: each request has a context of its own, which nginx passes on.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RetransmitRecord } from '../../receiver/model/record.ts';
import { projectFolder } from '../backends/place.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { newContext, valueOf } from '../support/traceparent.ts';
import { waitFor } from '../support/wait.ts';
import { onlyIn, Watcher } from '../support/watcher.ts';
import { startHooked, startIn } from './rig/hooked-service.ts';
import { linked, readTold, type Told } from './rig/told-requests.ts';

const [PROXY, SERVER] = [8_080, 8_081];
const PYTHON = join(projectFolder, 'test', 'workloads', 'http-client.py');
/** Clients of each kind, of which so many run at a time. */
const [CLIENTS, AT_ONCE] = [24, 12];
/** Requests of a client, on one connection. */
const REQUESTS = 5;
/** One segment of so many, of any end, never arrives; a SYN has 60 bytes. */
const LOST_OF = 10;

function nginxSettings(folder: string): string {
  return `daemon off; user root; worker_processes 2; pid ${folder}/pid; error_log stderr;
    events { worker_connections 256; }
    http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
      uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
      upstream server { server 127.0.0.1:${SERVER}; keepalive 8; }
      server { listen 127.0.0.1:${PROXY};
        location / { proxy_pass http://server; proxy_http_version 1.1; proxy_set_header Connection ""; } } }\n`;
}

/** The clients of one kind, some at a time. Each connection of a client has the contexts that `start` gave it. */
async function inTurns(told: Told, start: (values: readonly string[]) => Promise<number>): Promise<void> {
  let left = CLIENTS;
  const turn = async (): Promise<void> => {
    while (left-- > 0) {
      const values = Array.from({ length: REQUESTS }, () => valueOf(newContext(1)));
      told.set(await start(values), values);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, turn));
}

describe('requests through nginx', () => {
  const cleanup = new Cleanup();
  const clients: Told = new Map();
  const upstream: Told = new Map();
  let again: RetransmitRecord[] = [];

  before(async () => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const server = startHooked(cleanup, {
      room,
      name: 'told-server.ts',
      args: [String(SERVER)],
      isHooked: false,
    });
    await waitFor('the server to listen', () => server.out().includes('listening'));
    const folder = cleanup.makeFolder();
    mkdirSync(join(folder, 'logs'));
    writeFileSync(join(folder, 'nginx.conf'), nginxSettings(folder));
    startIn(cleanup, room, ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf')]);
    await waitFor('nginx to listen', () => room.exec('ss', '-Hltn', `sport = :${PROXY}`) !== '');
    const watcher = new Watcher(onlyIn(room));
    cleanup.add(() => watcher.close());
    room.filter(`meta length > 60 numgen random mod ${LOST_OF} == 0 drop`);
    const run = async (command: readonly string[]): Promise<number> => {
      const { out, ended } = startIn(cleanup, room, command);
      assert.equal(await ended, 0, command[0]);
      return Number(out());
    };
    await inTurns(clients, (values) => run(curl(values)));
    await inTurns(clients, (values) => run(['python3', PYTHON, String(PROXY), ...values]));
    room.filter();
    again = watcher.retransmits(room.inode).filter(({ type }) => type !== 'syn');
    readTold(server.out().trim().split('\n').slice(1), upstream);
  });
  after(() => cleanup.run());

  /** One transfer after the other on one connection, whose local port is printed once. */
  function curl(values: readonly string[]): string[] {
    const url = `http://127.0.0.1:${PROXY}/a`;
    const transfer = (value: string): string[] => [
      '-s',
      '-o',
      '/dev/null',
      '-H',
      `traceparent: ${value}`,
      url,
    ];
    const last = ['-w', '%{local_port}'];
    return ['curl', ...values.flatMap((value, i) => [...(i > 0 ? ['--next'] : last), ...transfer(value)])];
  }

  for (const [name, told, port, isClient] of [
    ['curl and Python', clients, PROXY, true],
    ['nginx, answers', clients, PROXY, false],
    ['nginx, requests', upstream, SERVER, true],
    ['Node, answers', upstream, SERVER, false],
  ] as const)
    test(`${name}: each is of its request`, (t) => {
      let [found, all] = [0, 0];
      for (const [client, values] of told) {
        const [local, peer] = isClient ? [client, port] : [port, client];
        const own = again.filter(({ endpoints: e }) => e.localPort === local && e.peerPort === peer);
        found += linked(values, own);
        all += own.length;
      }
      t.diagnostic(`${found} of ${all} retransmissions have their request's context`);
      assert.ok(found > 10 && found >= all * 0.9, `${found} of ${all}`);
    });
});
