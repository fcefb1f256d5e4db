/** Listen queues that are full on purpose, against the statistics of their namespace. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { queueOverflowRecord } from '../../receiver/signals/listener/queue-overflow.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { Hall } from './rig/listen-hall.ts';

/** Holds one or two more than its length, by kernel. */
const BACKLOG = 5;
const ACCEPT = 'wirespan.tcp.accept_queue';
const SYN_QUEUE = 'wirespan.tcp.syn_queue.overflows';

describe('listen queues', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  test('the accept queue: usage, limit, overflows, utilization, waits', async () => {
    const hall = await Hall.open(cleanup);
    const { listener, port } = await hall.listen(3);
    hall.collect();
    assert.equal(hall.gauge('limit', port), 3);
    assert.equal(hall.gauge('usage', port), 0);
    const waiting = await hall.overfill(port, 3, 7);
    hall.collect();
    assert.equal(hall.gauge('usage', port), waiting);
    // A SYN comes again after a second: how many there are is the kernel's to say.
    assert.ok(hall.counter('ListenOverflows') >= 7);
    await waitFor('the counts to agree', () => {
      hall.collect();
      return hall.counted(port) === hall.counter('ListenOverflows');
    });
    const kernel = hall.stage.room.counters();
    assert.equal(kernel('TcpExtListenDrops'), kernel('TcpExtListenOverflows'));
    const utilization = hall.sink.histograms.get(`${ACCEPT}.utilization ${hall.owner} server.port=${port}`);
    assert.equal(
      utilization?.counts.reduce((sum, count) => sum + count),
      waiting,
    );
    for (let i = 0; i < waiting; i += 1)
      await hall.stage.script.run('accept', hall.stage.script.next(), listener);
    hall.collect();
    const waits = hall.sink.histograms.get(`${ACCEPT}.duration ${hall.owner} server.port=${port}`);
    assert.ok((waits?.counts.reduce((sum, count) => sum + count) ?? 0) >= waiting);
  });

  test('a length of 0: a queue for one, as ss has it', async () => {
    const hall = await Hall.open(cleanup);
    const { listener, port } = await hall.listen(0);
    const waiting = await hall.overfill(port, 0, 3);
    await waitFor('the counts to agree', () => {
      hall.collect();
      return hall.gauge('usage', port) === waiting && hall.counted(port) === hall.counter('ListenOverflows');
    });
    const [, used, limit] = hall.stage.room.exec('ss', '-Hltn', `sport = :${port}`).split(/\s+/);
    assert.deepEqual([hall.gauge('usage', port), hall.gauge('limit', port)], [Number(used), Number(limit)]);
    assert.deepEqual([waiting, Number(limit)], [1, 0]);
    assert.ok(hall.counted(port) > 0);
    const utilization = hall.sink.histograms.get(`${ACCEPT}.utilization ${hall.owner} server.port=${port}`);
    assert.deepEqual([utilization?.counts[0], utilization?.sum], [waiting, 0]);
    await hall.stage.script.run('accept', hall.stage.script.next(), listener);
  });

  test('an overflow event: whose queue, and how long it is', async () => {
    const hall = await Hall.open(cleanup);
    const { port } = await hall.listen(1);
    await hall.overfill(port, 1, 2);
    hall.collect();
    const [overflow] = hall.overflows;
    assert.ok(overflow !== undefined);
    const { action, backlog, endpoints, netns, owner, cookie } = queueOverflowRecord(overflow, 1n);
    assert.deepEqual(
      { action, backlog, endpoints, netns, pid: owner.pid },
      {
        action: undefined,
        backlog: 1,
        endpoints: { family: 4, localAddress: '127.0.0.1', localPort: port, peerAddress: '', peerPort: 0 },
        netns: hall.stage.room.inode,
        pid: hall.stage.script.pid,
      },
    );
    assert.ok(cookie > 0n);
  });

  test('a listener that ends: its last overflows', async () => {
    const hall = await Hall.open(cleanup);
    const { listener, port } = await hall.listen(1);
    await hall.overfill(port, 1, 5);
    await hall.stage.script.run('close', listener);
    const overflows = hall.counter('ListenOverflows');
    hall.collect();
    assert.ok(overflows >= 5);
    assert.equal(hall.counted(port), overflows);
  });

  test('the SYN queue: cookies', async () => {
    const hall = await Hall.open(cleanup);
    const { port } = await hall.listen(BACKLOG);
    hall.collect();
    hall.flood(port, BACKLOG + 24);
    hall.collect();
    const cookies = hall.counter('TCPReqQFullDoCookies');
    assert.ok(cookies >= 23);
    assert.equal(hall.sink.total(SYN_QUEUE, hall.owner, `=${port}`, 'action=cookie'), cookies);
    assert.equal(hall.sink.total(SYN_QUEUE), cookies);
    assert.equal(hall.counted(), 0);
    assert.deepEqual(
      hall.overflows.map(({ row, action }) => [row.port, action]),
      [[port, 'cookie']],
    );
  });

  test('the SYN queue: drops, which are no overflows of the accept queue', async () => {
    const hall = await Hall.open(cleanup, { syncookies: '0' });
    const { port } = await hall.listen(BACKLOG);
    hall.collect();
    hall.flood(port, BACKLOG + 20);
    hall.collect();
    const drops = hall.counter('TCPReqQFullDrop');
    assert.ok(drops >= 19);
    assert.equal(hall.counter('ListenDrops'), drops);
    assert.equal(hall.sink.total(SYN_QUEUE, hall.owner, `=${port}`, 'action=drop'), drops);
    assert.equal(hall.counted(), 0);
  });

  test('two flooded listeners cannot be told apart: the host has it', async () => {
    const hall = await Hall.open(cleanup);
    const [one, two, quiet] = [
      await hall.listen(BACKLOG),
      await hall.listen(BACKLOG),
      await hall.listen(BACKLOG),
    ];
    hall.collect();
    hall.flood(one.port, BACKLOG + 4);
    hall.flood(two.port, BACKLOG + 5);
    hall.collect();
    const cookies = hall.counter('TCPReqQFullDoCookies');
    assert.ok(cookies >= 7);
    assert.deepEqual(
      [...hall.sink.sums],
      [[`${SYN_QUEUE} host wirespan.tcp.syn_queue.action=cookie`, cookies]],
    );
    assert.deepEqual(hall.overflows, []);
    assert.equal(hall.gauge('usage', quiet.port), 0);
  });
});
