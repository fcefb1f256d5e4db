/** Unchanged clients of plaintext HTTP/2 and gRPC, several streams at once, with segments really lost: each is of its stream. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Http2Streams } from '../../receiver/correlate/http2-streams.ts';
import type { RetransmitRecord } from '../../receiver/model/record.ts';
import { backEndPath } from '../backends/build.ts';
import { projectFolder } from '../backends/place.ts';
import { Cleanup } from '../support/cleanup.ts';
import { Dropper } from '../support/dropper.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { newContext, valueOf } from '../support/traceparent.ts';
import { waitFor } from '../support/wait.ts';
import { onlyIn, Watcher } from '../support/watcher.ts';
import { startHooked, startIn } from './rig/hooked-service.ts';
import { checkStreams, type Written } from './rig/http2-truth.ts';

interface Scene {
  /** What serves. */
  readonly kind: 'http2' | 'grpc';
  readonly connections: number;
  /** Calls of each. */
  readonly calls: number;
  readonly parallel: number;
  /** The client. Undefined: the one of Node, with contexts of its own. */
  readonly command?: readonly string[];
}

const CLIENTS = join(projectFolder, 'test', 'workloads', 'h2-clients');
const PYTHON = '/usr/bin/python3';
const NODE = { connections: 10, calls: 100, parallel: 8 };
const FOREIGN = { connections: 10, calls: 60, parallel: 8 };
const GO = await backEndPath('h2-client');
const SCENES: Readonly<Record<string, Scene>> = {
  'Node’s http2': { ...NODE, kind: 'http2' },
  'grpc-js': { ...NODE, kind: 'grpc' },
  'Node’s http2, a hundred streams at once': { ...NODE, kind: 'http2', connections: 40, parallel: 100 },
  httpx: { ...FOREIGN, kind: 'http2', command: [PYTHON, join(CLIENTS, 'httpx-client.py')] },
  grpcio: { ...FOREIGN, kind: 'grpc', command: [PYTHON, join(CLIENTS, 'grpc-python.py')] },
  'Go’s net/http': { ...FOREIGN, kind: 'http2', command: [GO, 'http'] },
  'grpc-go': { ...FOREIGN, calls: 200, kind: 'grpc', command: [GO, 'grpc'] },
  curl: { kind: 'http2', connections: 10, calls: 20, parallel: 1, command: [join(CLIENTS, 'curl.sh')] },
};
const PERMILLE = 150;
const SERVICE = join(projectFolder, 'test', 'workloads', 'node-service', 'h2-service.ts');

describe('clients of plaintext HTTP/2', () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let dropper: Dropper;
  let watcher: Watcher;

  before(() => {
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    dropper = Dropper.attach(room);
    cleanup.add(() => dropper.close());
    watcher = new Watcher({ ...onlyIn(room), http2: true, hook: false, threadContext: false });
    cleanup.add(() => watcher.close());
  });
  after(() => cleanup.run());

  /** Plays a scene; counts over its connections. */
  async function play({ kind, connections, calls, parallel, command }: Scene): Promise<{
    found: number;
    all: number;
    requests: number;
    hits: number;
  }> {
    const env = { NODE_NO_WARNINGS: '1' };
    const relay = startHooked(cleanup, { room, name: 'h2-relay.ts', args: [kind], isHooked: false, env });
    await waitFor('the relay to listen', () => relay.out().endsWith('\n'));
    const port = Number(relay.out());
    const seen = watcher.records().length;
    dropper.lose(port, { permille: PERMILLE });
    const values = Array.from({ length: connections * calls }, (_, i) => valueOf(newContext(i & 1)));
    const own = [process.execPath, SERVICE, 'call', kind, String(port), '/dev/null'];
    const line =
      command === undefined
        ? [...own, ...[connections, calls, parallel].map(String)]
        : [...command, ...[port, connections, parallel].map(String), ...values];
    const client = startIn(cleanup, room, line, env);
    assert.equal(await client.ended, 0);
    dropper.rest();
    relay.say('');
    assert.equal(await relay.ended, 0);
    const written = relay
      .out()
      .trim()
      .split('\n')
      .slice(1)
      .map((text) => JSON.parse(text) as Written);
    const read = written.flatMap((each) => Object.values(each.values));
    if (command !== undefined) assert.deepEqual(read.sort(), values.sort());
    const resolver = new Http2Streams();
    const again: RetransmitRecord[] = [];
    for (const record of watcher.records().slice(seen)) {
      if (record.kind === 'http2') {
        resolver.take(record);
        continue;
      }
      const found = resolver.resolve(record);
      if (found.kind === 'retransmit' && found.endpoints.peerPort === port && found.type !== 'syn')
        again.push(found);
    }
    const counts = { found: 0, all: 0, requests: read.length, hits: resolver.counters.h2_header.hit };
    for (const each of written) {
      const { found, all } = checkStreams(
        each,
        again.filter(({ endpoints }) => endpoints.localPort === each.port),
      );
      counts.found += found;
      counts.all += all;
    }
    assert.deepEqual({ ...resolver.counters.h2_header, hit: 0 }, { hit: 0, miss: 0, invalid: 0, stale: 0 });
    return counts;
  }

  for (const [name, scene] of Object.entries(SCENES))
    test(`${name}: what is sent again is of its stream`, async (t) => {
      const { found, all, requests, hits } = await play(scene);
      t.diagnostic(`${found} of ${all} retransmissions, ${hits / 2} of ${requests} requests`);
      assert.equal(requests, scene.connections * scene.calls);
      // The relay writes the same bytes once more, cut as they come.
      assert.equal(hits, 2 * requests);
      assert.ok(all > 20 && found >= all * 0.99, `${found} of ${all}`);
    });
});
