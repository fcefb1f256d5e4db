/** Listen queues that are full on purpose, against the statistics of their namespace. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { ListenerSums, type ListenerRow } from '../../receiver/signals/listener/sums.ts';
import { ListenQueues, type QueueOverflow } from '../../receiver/signals/listener/queues.ts';
import { LISTENER } from '../../receiver/decode/generated/layout.ts';
import { queueOverflowRecord } from '../../receiver/signals/listener/queue-overflow.ts';
import { readListenCounters } from '../../receiver/host/listen-counters.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { createHarness } from '../support/sums-harness.ts';
import { DropStage } from '../support/drop-stage.ts';

const SYN = 2;
/** Holds one or two more than its length, by kernel. */
const BACKLOG = 5;
const ACCEPT = 'wirespan.tcp.accept_queue';
const SYN_QUEUE = 'wirespan.tcp.syn_queue.overflows';

/** A room with listeners of known queues, and what the agent makes of them. */
class Hall {
  readonly sink;
  readonly overflows: QueueOverflow[] = [];
  readonly stage: DropStage;
  readonly #sums: ListenerSums;
  readonly #queues: ListenQueues;
  #pass = 0;

  private constructor(stage: DropStage) {
    const harness = createHarness();
    this.stage = stage;
    this.sink = harness.sink;
    this.#sums = new ListenerSums(harness);
    this.#queues = new ListenQueues({
      context: harness,
      read: readListenCounters,
      onOverflow: (overflow) => this.overflows.push(overflow),
    });
    this.#queues.meet(stage.room.inode, stage.script.pid);
  }

  static async open(cleanup: Cleanup, syncookies: '0' | '1' | '2' = '1'): Promise<Hall> {
    const hall = new Hall(await DropStage.open(cleanup));
    hall.stage.room.sysctl('net/ipv4/tcp_syncookies', syncookies);
    return hall;
  }

  get owner(): string {
    return `w${this.stage.script.pid}`;
  }

  listen(backlog: number): Promise<{ listener: number; port: number }> {
    return this.stage.script.listen('listen', backlog);
  }

  /** What the agent does once an interval. */
  collect(): void {
    const { watcher } = this.stage;
    watcher.pass();
    this.#pass += 1;
    this.#sums.update(watcher.source.read('listeners'));
    this.sink.gauges = new Map();
    this.#sums.setGauges(this.#pass);
    // Other processes of the machine may have full queues as well.
    const isOurs = ({ memory }: ListenerRow): boolean =>
      memory.seen(LISTENER.netns) === this.stage.room.inode;
    this.#queues.settle([...this.#sums.rows.values()].filter(isOurs), this.#pass);
  }

  gauge(name: string, port: number): number | undefined {
    return this.sink.gauges.get(`${ACCEPT}.${name} ${this.owner} server.port=${port}`);
  }

  /** SYNs of so many clients that never answer. */
  flood(port: number, count: number): void {
    const { room } = this.stage;
    // The answer to a SYN-ACK that nobody asked for would empty the queue again.
    room.filter(`tcp dport ${port} tcp flags & rst == rst drop`);
    this.stage.send({ sport: 20_000, dport: port, flags: SYN, count, step: 1 });
  }

  /** A counter of this room, by the kernel's statistics. */
  counter(name: string): number {
    return this.stage.room.counter(`TcpExt${name}`);
  }
}

describe('listen queues', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  /** Connects until the accept queue is full, and `more` times again; how many wait. */
  async function overfill(hall: Hall, port: number, backlog: number, more: number): Promise<number> {
    const { script } = hall.stage;
    for (let i = 0; i < backlog + 1 + more; i += 1) {
      const client = script.next();
      await script.run('socket', client);
      await script.run('try-connect', client, port);
    }
    return backlog + 1;
  }

  test('the accept queue: usage, limit, overflows, utilization, waits', async () => {
    const hall = await Hall.open(cleanup);
    const { listener, port } = await hall.listen(3);
    hall.collect();
    assert.equal(hall.gauge('limit', port), 3);
    assert.equal(hall.gauge('usage', port), 0);
    const waiting = await overfill(hall, port, 3, 7);
    hall.collect();
    assert.equal(hall.gauge('usage', port), waiting);
    // A SYN comes again after a second: how many there are is the kernel's to say.
    assert.ok(hall.counter('ListenOverflows') >= 7);
    await waitFor('the counts to agree', () => {
      hall.collect();
      return (
        hall.sink.total(`${ACCEPT}.overflows`, hall.owner, `=${port}`) === hall.counter('ListenOverflows')
      );
    });
    assert.equal(hall.counter('ListenDrops'), hall.counter('ListenOverflows'));
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

  test('an overflow event: whose queue, and how long it is', async () => {
    const hall = await Hall.open(cleanup);
    const { port } = await hall.listen(1);
    await overfill(hall, port, 1, 2);
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
    await overfill(hall, port, 1, 5);
    await hall.stage.script.run('close', listener);
    const overflows = hall.counter('ListenOverflows');
    hall.collect();
    assert.ok(overflows >= 5);
    assert.equal(hall.sink.total(`${ACCEPT}.overflows`, hall.owner, `=${port}`), overflows);
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
    assert.equal(hall.sink.total(`${ACCEPT}.overflows`), 0);
    assert.deepEqual(
      hall.overflows.map(({ row, action }) => [row.port, action]),
      [[port, 'cookie']],
    );
  });

  test('the SYN queue: drops, which are no overflows of the accept queue', async () => {
    const hall = await Hall.open(cleanup, '0');
    const { port } = await hall.listen(BACKLOG);
    hall.collect();
    hall.flood(port, BACKLOG + 20);
    hall.collect();
    const drops = hall.counter('TCPReqQFullDrop');
    assert.ok(drops >= 19);
    assert.equal(hall.counter('ListenDrops'), drops);
    assert.equal(hall.sink.total(SYN_QUEUE, hall.owner, `=${port}`, 'action=drop'), drops);
    assert.equal(hall.sink.total(`${ACCEPT}.overflows`), 0);
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
