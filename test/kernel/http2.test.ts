/** Unchanged clients of plaintext HTTP/2 and gRPC, several streams at once, with segments really lost: each is of its stream. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Http2Streams } from '../../receiver/correlate/http2-streams.ts';
import type { RetransmitRecord } from '../../receiver/model/record.ts';
import { Cleanup } from '../support/cleanup.ts';
import { Dropper } from '../support/dropper.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { waitFor } from '../support/wait.ts';
import { Watcher } from '../support/watcher.ts';
import type { Context } from '../support/traceparent.ts';
import { plain } from './rig/conversation.ts';
import { startHooked } from './rig/hooked-service.ts';

/** As the client knew it. */
interface Stream extends Context {
  readonly id: number;
  readonly localPort: number;
}

/** As the relay saw it: each frame is [place in the bytes, length, type, stream]. */
interface Written {
  readonly port: number;
  readonly frames: readonly (readonly [number, number, number, number])[];
}

interface Scene {
  readonly kind: 'http2' | 'grpc';
  readonly connections: number;
  readonly calls: number;
  readonly parallel: number;
}

const HEADERS = 1;
const SCENES: readonly Scene[] = [
  { kind: 'http2', connections: 20, calls: 100, parallel: 8 },
  { kind: 'grpc', connections: 20, calls: 100, parallel: 8 },
  { kind: 'http2', connections: 40, calls: 100, parallel: 100 },
];
const PERMILLE = 150;

/** What of one connection was sent again is of the streams whose bytes it was. */
function check(
  { frames }: Written,
  streams: ReadonlyMap<number, Stream>,
  records: readonly RetransmitRecord[],
): { found: number; all: number } {
  const origins = new Set<number>();
  for (const { context } of records) {
    if (context === undefined) continue;
    assert.equal(context.method, 'h2_header');
    const own = [...streams.values()].find(({ spanId }) => spanId === context.spanId);
    const head = frames.find(([, , type, stream]) => type === HEADERS && stream === own?.id);
    assert.ok(head !== undefined, 'it is of a stream of this connection');
    origins.add((context.startSeq - head[0]) >>> 0);
  }
  assert.ok(origins.size <= 1, 'the connection begins at one place');
  const [origin] = origins;
  const counts = { found: 0, all: 0 };
  if (origin === undefined) return counts;
  for (const { seq, endSeq, context } of records) {
    const from = (seq - origin) >>> 0;
    const to = from + ((endSeq - seq) >>> 0);
    const owner = frames.find(([at, length, , stream]) => stream > 0 && at < to && at + length > from);
    const own = streams.get(owner?.[3] ?? 0);
    if (own !== undefined) counts.all += 1;
    if (context === undefined) continue;
    counts.found += 1;
    assert.ok(own !== undefined, 'bytes of nobody');
    const { traceId, spanId, flags } = own;
    assert.deepEqual(plain(context), { traceId, spanId, flags });
  }
  return counts;
}

describe('clients of plaintext HTTP/2', () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let dropper: Dropper;

  before(() => {
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    dropper = Dropper.attach(room);
    cleanup.add(() => dropper.close());
  });
  after(() => cleanup.run());

  /** Plays a scene; counts over its connections. */
  async function play({ kind, connections, calls, parallel }: Scene): Promise<{
    found: number;
    all: number;
    requests: number;
    hits: number;
  }> {
    const env = { NODE_NO_WARNINGS: '1' };
    const relay = startHooked(cleanup, { room, name: 'h2-relay.ts', args: [kind], isHooked: false, env });
    await waitFor('the relay to listen', () => relay.out().endsWith('\n'));
    const port = Number(relay.out());
    const watcher = new Watcher({ http2: true, hook: false, threadContext: false });
    try {
      dropper.lose(port, { permille: PERMILLE });
      const numbers = [connections, calls, parallel].map(String);
      const args = ['call', kind, String(port), '/dev/null', ...numbers];
      const client = startHooked(cleanup, { room, name: 'h2-service.ts', args, isHooked: false, env });
      assert.equal(await client.ended, 0);
      dropper.rest();
      relay.say('');
      assert.equal(await relay.ended, 0);
      const streams = client
        .out()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Stream);
      const written = relay
        .out()
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => JSON.parse(line) as Written);
      const resolver = new Http2Streams();
      const again: RetransmitRecord[] = [];
      for (const record of watcher.records()) {
        if (record.kind === 'http2') {
          if (record.netns === room.inode) resolver.take(record);
          continue;
        }
        const found = resolver.resolve(record);
        if (found.kind === 'retransmit' && found.endpoints.peerPort === port && found.type !== 'syn')
          again.push(found);
      }
      const counts = { found: 0, all: 0, requests: streams.length, hits: resolver.counters.hit };
      for (const each of written) {
        const own = streams.filter(({ localPort }) => localPort === each.port);
        const of = again.filter(({ endpoints }) => endpoints.localPort === each.port);
        const { found, all } = check(each, new Map(own.map((stream) => [stream.id, stream])), of);
        counts.found += found;
        counts.all += all;
      }
      assert.deepEqual({ ...resolver.counters, hit: 0 }, { hit: 0, miss: 0, invalid: 0, stale: 0 });
      return counts;
    } finally {
      watcher.close();
    }
  }

  for (const scene of SCENES)
    test(`${scene.kind}, ${String(scene.parallel)} streams at once: what is sent again is of its stream`, async (t) => {
      const { found, all, requests, hits } = await play(scene);
      t.diagnostic(`${found} of ${all} retransmissions, ${hits / 2} of ${requests} requests`);
      assert.equal(requests, scene.connections * scene.calls);
      // The relay writes the same bytes once more, cut as they come.
      assert.equal(hits, 2 * requests);
      assert.ok(all > 20 && found >= all * 0.99, `${found} of ${all}`);
    });
});
