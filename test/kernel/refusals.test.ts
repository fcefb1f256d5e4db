/**
 * What a listener refuses for other causes than a full accept queue is no overflow of it: the agent never counts more
 * than the namespace's own ListenOverflows.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { Watcher } from '../support/watcher.ts';
import { endHandshakesAtOnce } from './rig/last-steps.ts';
import { Hall, overfill, QueueReader } from './rig/listen-hall.ts';

const BACKLOG = 5;
const OVERFLOWS = 'wirespan.tcp.accept_queue.overflows';

/** Where the namespaces are counted: in the kernel, or through a process of them. */
const sources = { 'in the kernel': [], 'by /proc': ['ws_cpus'] } as const;

for (const [words, refused] of Object.entries(sources)) {
  describe(`refusals, counted ${words}`, () => {
    const cleanup = new Cleanup();
    let hall: Hall;

    before(async () => {
      hall = await Hall.open(cleanup, { refused });
    });
    after(() => cleanup.run());

    /** Plays a scene that fills no queue: neither the kernel nor the agent counts an overflow. */
    async function refuseOnly(play: () => Promise<void>): Promise<void> {
      const [overflows, events] = [hall.counter('ListenOverflows'), hall.overflows.length];
      const counted = hall.counted();
      await play();
      hall.collect();
      assert.equal(hall.counter('ListenOverflows'), overflows);
      assert.deepEqual([hall.counted(), hall.overflows.length], [counted, events]);
    }

    // The first of all: the agent has read nothing yet.
    test('half-open health checks in the first interval', () =>
      refuseOnly(async () => {
        const { port } = await hall.listen(BACKLOG * 20);
        hall.halfOpen(port, 41);
        assert.equal(hall.counter('EmbryonicRsts'), 41);
      }));

    test('half-open health checks later on', () =>
      refuseOnly(async () => {
        const { port } = await hall.listen(BACKLOG * 20);
        hall.halfOpen(port, 7);
      }));

    test('connections whose accept is deferred until they say something', () =>
      refuseOnly(async () => {
        const { script } = hall.stage;
        const { listener, port } = await hall.listen(BACKLOG * 20);
        const deferred = hall.counter('TCPDeferAcceptDrop');
        await script.run('option', listener, 'defer-accept', 5);
        for (let i = 0; i < 7; i += 1) {
          const [client, server] = [script.next(), script.next()];
          await script.run('socket', client);
          await script.run('connect', client, port);
          await script.run('write', client, '61');
          await script.run('accept', server, listener);
        }
        assert.equal(hall.counter('TCPDeferAcceptDrop') - deferred, 7);
      }));

    test('a socket filter', () =>
      refuseOnly(async () => {
        const { port, listener } = await hall.listen(BACKLOG);
        await hall.stage.script.run('deaf', listener);
        hall.flood(port, 3);
        hall.stage.room.filter();
      }));

    test('last steps of handshakes that find the queue full count once each', async () => {
      const { port } = await hall.listen(BACKLOG);
      const start = hall.counter('ListenOverflows');
      await endHandshakesAtOnce(hall.stage, port, BACKLOG);
      assert.ok(hall.counter('ListenOverflows') - start >= BACKLOG - 2);
      await waitFor('the counts to agree', () => {
        hall.collect();
        return hall.counted(port) === hall.counter('ListenOverflows') - start;
      });
    });

    test('of several listeners, the one whose queue was full', async () => {
      const [checked, full] = [await hall.listen(BACKLOG * 20), await hall.listen(BACKLOG)];
      const [overflows, resets] = [hall.counter('ListenOverflows'), hall.counter('EmbryonicRsts')];
      const events = hall.overflows.length;
      hall.collect();
      hall.halfOpen(checked.port, 23);
      await hall.overfill(full.port, BACKLOG, 7);
      await waitFor('the counts to agree', () => {
        hall.collect();
        return hall.counted(full.port) === hall.counter('ListenOverflows') - overflows;
      });
      assert.ok(hall.counted(full.port) >= 7);
      assert.deepEqual([hall.counted(checked.port), hall.counter('EmbryonicRsts') - resets], [0, 23]);
      const ports = hall.overflows.slice(events).map(({ row }) => row.port);
      assert.deepEqual([...new Set(ports)], [full.port]);
    });

    test('what was refused before the agent came is not its own', async () => {
      const { port } = await hall.listen(BACKLOG);
      await hall.overfill(port, BACKLOG, 3);
      const watcher = new Watcher({}, refused);
      cleanup.add(() => watcher.close());
      const { room, script } = hall.stage;
      const late = new QueueReader(watcher, room.inode, script.pid);
      const start = hall.counter('ListenOverflows');
      assert.ok(start >= 3);
      await overfill(script, port, 5);
      await waitFor('all of them to be counted', () => {
        late.collect(room.inode);
        return late.sink.total(OVERFLOWS) >= 5;
      });
      // One may have come again between the agent's start and this test's own reading.
      assert.ok(late.sink.total(OVERFLOWS) <= hall.counter('ListenOverflows') - 3);
    });
  });
}

describe('namespaces', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  test('a number that is used again: each namespace has its own overflows', async () => {
    const watcher = new Watcher();
    cleanup.add(() => watcher.close());
    const reader = new QueueReader(watcher, 0, 0);
    const numbers: number[] = [];
    let expected = 0;
    for (let again = 0; again < 2;) {
      assert.ok(numbers.length < 60, 'no number came again');
      const own = new Cleanup();
      const { room, script } = TcpScript.open(own);
      if (numbers.includes(room.inode)) again += 1;
      numbers.push(room.inode);
      const { port } = await script.listen('listen', BACKLOG);
      await overfill(script, port, BACKLOG + 6);
      const overflows = room.counter('TcpExtListenOverflows');
      assert.ok(overflows >= 5);
      await script.stop();
      // SYNs came again until the listener was closed.
      expected += room.counter('TcpExtListenOverflows');
      await own.run();
      reader.collect(room.inode);
      assert.equal(reader.sink.total(OVERFLOWS), expected);
    }
    assert.equal(watcher.count('PROBE_STATE', 'LOST_MAP_FULL'), 0);
  });
});
