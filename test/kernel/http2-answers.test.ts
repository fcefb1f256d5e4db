/** Real servers of plaintext HTTP/2 and gRPC, several streams at once, whose answers really lose segments: each is on its request. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Http2Streams } from '../../receiver/correlate/http2-streams.ts';
import type { RetransmitRecord } from '../../receiver/model/record.ts';
import { projectFolder } from '../backends/place.ts';
import { Cleanup } from '../support/cleanup.ts';
import { Dropper } from '../support/dropper.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { waitFor } from '../support/wait.ts';
import { onlyIn, Watcher } from '../support/watcher.ts';
import { startHooked, startIn } from './rig/hooked-service.ts';
import { checkAnswers, type Written } from './rig/http2-truth.ts';

const [CONNECTIONS, CALLS, PARALLEL] = [10, 100, 8];
const PERMILLE = 150;
/** One segment of so many of the requests is lost before any program sees it. */
const LOST_OF = 12;
const SERVICE = join(projectFolder, 'test', 'workloads', 'node-service', 'h2-service.ts');

describe('servers of plaintext HTTP/2', () => {
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

  /** Has so many clients ask a server of this kind; gives what passed, and the port of the server. */
  async function play(kind: 'http2' | 'grpc', loses: boolean): Promise<{ written: Written[]; port: number }> {
    const env = { NODE_NO_WARNINGS: '1' };
    const relay = startHooked(cleanup, {
      room,
      name: 'h2-relay.ts',
      args: [kind, 'both'],
      isHooked: false,
      env,
    });
    await waitFor('the relay to listen', () => relay.out().endsWith('\n'));
    const [front = '', port = 0] = relay.out().trim().split(' ');
    dropper.lose(Number(port), { permille: PERMILLE, isFrom: true });
    if (loses)
      room.filter(`tcp dport ${port} meta length > 60 numgen random mod ${String(LOST_OF)} == 0 drop`);
    const numbers = [CONNECTIONS, CALLS, PARALLEL].map(String);
    const line = [process.execPath, SERVICE, 'call', kind, front, '/dev/null', ...numbers];
    assert.equal(await startIn(cleanup, room, line, env).ended, 0);
    dropper.rest();
    room.filter();
    relay.say('');
    assert.equal(await relay.ended, 0);
    const lines = relay.out().trim().split('\n').slice(1);
    return { written: lines.map((text) => JSON.parse(text) as Written), port: Number(port) };
  }

  /** Where the server's bytes begin on each connection, by the client's port: all of them were looked at. */
  function origins(): Map<number, number> {
    const found = new Map<number, number>();
    for (const { clientPort, seq } of dropper.seen()) {
      const least = found.get(clientPort) ?? seq;
      found.set(clientPort, ((seq - least) | 0) < 0 ? seq : least);
    }
    return found;
  }

  const scenes = (['http2', 'grpc'] as const).flatMap((kind) =>
    [false, true].map((loses) => [kind, loses] as const),
  );
  for (const [kind, loses] of scenes)
    test(`${kind}${loses ? ' that loses requests too' : ''}: what is sent again of an answer is of its stream`, async (t) => {
      const seen = watcher.records().length;
      const { written, port } = await play(kind, loses);
      const streams = new Http2Streams();
      const again: RetransmitRecord[] = [];
      for (const record of watcher.records().slice(seen)) {
        if (record.kind === 'http2' && record.netns === room.inode) streams.take(record);
        else if (record.kind === 'retransmit' && record.endpoints.localPort === port)
          again.push(streams.resolve(record));
      }
      const counts = { found: 0, all: 0 };
      for (const each of written) {
        const own = again.filter(({ endpoints }) => endpoints.peerPort === each.behind);
        const origin = origins().get(each.behind) ?? assert.fail('nothing of the connection was seen');
        const { found, all } = checkAnswers(each, own, origin);
        counts.found += found;
        counts.all += all;
      }
      t.diagnostic(`${counts.found} of ${counts.all} retransmissions`);
      // The relay's own end is a server's too.
      const hits = 2 * CONNECTIONS * CALLS;
      assert.deepEqual(streams.counters.h2_stream, { hit: hits, miss: 0, invalid: 0, stale: 0 });
      assert.ok(counts.all > 20 && counts.found === counts.all, `${counts.found} of ${counts.all}`);
    });
});
