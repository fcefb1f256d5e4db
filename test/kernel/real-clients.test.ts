/**
 * Python's Requests and Java's HttpClient as Debian ships them, straight to a Node server: what either end sends again is of the
 * request that it carries. The server knows which context came over which connection.
 */
import assert from 'node:assert/strict';
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

const PORT = 8_081;
const WORKLOADS = join(projectFolder, 'test', 'workloads');
/** Debian's own Python is the one that Debian's Requests is for. A JVM that runs two seconds need not compile well. */
const CLIENTS = {
  Requests: ['/usr/bin/python3', join(WORKLOADS, 'requests-client.py')],
  HttpClient: ['/usr/bin/java', '-XX:TieredStopAtLevel=1', join(WORKLOADS, 'JavaClient.java')],
} as const;
/** Requests of each client, of which so many run at a time. */
const [REQUESTS, AT_ONCE] = [240, 40];
/** One segment of so many, of either end, never arrives; a SYN has 60 bytes. */
const LOST_OF = 8;

describe('real clients of a Node server', () => {
  const cleanup = new Cleanup();
  const told: Told = new Map();
  const clientOf = new Map<string, string>();
  let again: RetransmitRecord[] = [];

  before(async () => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const args = [String(PORT)];
    const server = startHooked(cleanup, { room, name: 'told-server.ts', args, isHooked: false });
    await waitFor('the server to listen', () => server.out().includes('listening'));
    const watcher = new Watcher(onlyIn(room));
    cleanup.add(() => watcher.close());
    room.filter(`meta length > 60 numgen random mod ${LOST_OF} == 0 drop`);
    const run = async ([client, command]: readonly [string, readonly string[]]): Promise<void> => {
      const values = Array.from({ length: REQUESTS }, () => valueOf(newContext(1)));
      for (const value of values) clientOf.set(value, client);
      const { ended } = startIn(cleanup, room, [...command, String(PORT), String(AT_ONCE), ...values]);
      assert.equal(await ended, 0, client);
    };
    await Promise.all(Object.entries(CLIENTS).map(run));
    room.filter();
    again = watcher.retransmits(room.inode).filter(({ type }) => type !== 'syn');
    readTold(server.out().trim().split('\n').slice(1), told);
  });
  after(() => cleanup.run());

  test('each request came once', () => {
    assert.deepEqual([...told.values()].flat().sort(), [...clientOf.keys()].sort());
  });

  for (const client of Object.keys(CLIENTS))
    for (const end of ['its requests', 'answers to it'])
      test(`${client}, ${end}: each is of its request`, (t) => {
        let [found, all] = [0, 0];
        for (const [port, values] of told) {
          if (clientOf.get(values[0] ?? '') !== client) continue;
          const [local, peer] = end === 'its requests' ? [port, PORT] : [PORT, port];
          const own = again.filter(({ endpoints: e }) => e.localPort === local && e.peerPort === peer);
          found += linked(values, own);
          all += own.length;
        }
        t.diagnostic(`${found} of ${all} retransmissions have their request's context`);
        assert.ok(found > 10 && found >= all * 0.9, `${found} of ${all}`);
      });
});
