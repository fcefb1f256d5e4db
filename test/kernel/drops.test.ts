/** Drops: each reason provoked a known number of times, against the kernel's own count of freed packets. */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { kernelEnum } from '../../native/index.ts';
import type { DropRecord } from '../../receiver/model/record.ts';
import { Cleanup } from '../support/cleanup.ts';
import { CLOSED_PORT, scenes, type Packets, type Scene } from './rig/drop-scenes.ts';
import { endHandshakesAtOnce } from './rig/last-steps.ts';
import { DropStage, gained } from '../support/drop-stage.ts';
import { TcpScript } from '../support/script.ts';

const ATTEMPTS = 5;
const BACKLOG = 7;
const LOOPBACK = '127.0.0.1';
const TAKEN: ReadonlySet<string> = new Set(['not_specified', 'tcp_old_sequence', 'tcp_invalid_sequence']);
const GIGABYTE = 1 << 30;

describe('drops', () => {
  const cleanup = new Cleanup();
  let stage: DropStage;

  before(async () => {
    stage = await DropStage.open(cleanup);
    stage.plugIn();
  });
  after(() => cleanup.run());

  /** Plays it, again where the kernel skipped the program, and compares everyone's count. */
  async function check(scene: Scene, count: number): Promise<void> {
    const { reason, statistic } = scene;
    const pid = scene.owner === 'nobody' ? 0 : stage.script.pid;
    const look = () => ({
      sum: stage.sums(pid).get(reason) ?? 0,
      truth: stage.truth().get(reason) ?? 0,
      records: stage.records().length,
      skipped: stage.skipped,
      statistic: statistic === undefined ? 0 : stage.room.counter(statistic),
    });
    for (let attempt = 1; ; attempt += 1) {
      const start = look();
      const packets = await scene.play(stage, count);
      const end = look();
      if (end.skipped !== start.skipped && attempt < ATTEMPTS) continue;
      const events = stage.records().slice(start.records);
      const mine = events.filter((event) => stage.reasonName(event.reason) === reason);
      assert.equal(mine.length, count, JSON.stringify(events.map((event) => stage.reasonName(event.reason))));
      assert.equal(end.truth - start.truth, count, 'the other observer');
      // Nobody's packets are of the whole machine.
      if (pid === 0) assert.ok(end.sum - start.sum >= count, 'the sum');
      else assert.equal(end.sum - start.sum, count, 'the sum');
      if (statistic !== undefined) assert.equal(end.statistic - start.statistic, count, statistic);
      for (const event of mine) checkEvent(event, scene, packets);
      return;
    }
  }

  function checkEvent(event: DropRecord, scene: Scene, packets: Packets): void {
    const { names } = stage.watcher.source;
    assert.deepEqual(
      {
        family: event.family,
        source: `${event.sourceAddress}:${event.sourcePort}`,
        destination: `${event.destinationAddress}:${event.destinationPort}`,
        pid: event.owner.pid,
        state: event.state,
        interface: event.interfaceName,
      },
      {
        family: 4,
        source: `${packets.from ?? LOOPBACK}:${packets.sourcePort}`,
        destination: `${packets.to ?? LOOPBACK}:${packets.destinationPort}`,
        pid: scene.owner === 'nobody' ? 0 : stage.script.pid,
        state: scene.state,
        interface: scene.interface ?? '',
      },
    );
    assert.match(names.functionAt(event.location) ?? '', scene.frees);
    assert.equal(event.stack[1], event.location, 'who freed it is the second of the stack');
    assert.ok(event.stack.length > 5);
  }

  const known = kernelEnum('skb_drop_reason');
  const lacks = (reason: string): string | false =>
    `SKB_DROP_REASON_${reason.toUpperCase()}` in known ? false : `this kernel has no ${reason}`;

  for (const [index, [name, scene]] of Object.entries(scenes).entries()) {
    const count = [7, 11, 13, 5][index % 4] ?? 3;
    test(`${scene.reason}: ${name}`, { skip: lacks(scene.reason) }, () => check(scene, count));
  }

  test(
    'tcp_listen_overflow: handshakes that end when the accept queue is full',
    { skip: lacks('tcp_listen_overflow') },
    async () => {
      const { script, room } = stage;
      const { port } = await script.listen('listen', BACKLOG);
      const start = { events: stage.records().length, truth: stage.truth(), skipped: stage.skipped };
      const kernel = room.counter('TcpExtListenOverflows');
      await endHandshakesAtOnce(stage, port, BACKLOG);
      const overflows = room.counter('TcpExtListenOverflows') - kernel;
      const events = stage
        .records()
        .slice(start.events)
        .filter(({ reason }) => stage.reasonName(reason) === 'tcp_listen_overflow');
      assert.ok(overflows >= BACKLOG - 2, `${overflows} overflows`);
      assert.equal(gained(start.truth, stage.truth())['tcp_listen_overflow'], overflows);
      if (stage.skipped === start.skipped) assert.equal(events.length, overflows);
      for (const { owner, state, localPort } of events)
        assert.deepEqual([owner.pid, state, localPort], [script.pid, 'listen', port]);
    },
  );

  test('IPv6', async () => {
    const client = stage.script.next();
    await stage.script.run('socket6', client);
    const start = stage.records().length;
    await assert.rejects(stage.script.run('connect', client, CLOSED_PORT), { errno: 111 });
    const events = stage.records().slice(start);
    assert.deepEqual(
      events.map(({ family, sourceAddress, destinationAddress, destinationPort, reason }) => ({
        family,
        sourceAddress,
        destinationAddress,
        destinationPort,
        reason: stage.reasonName(reason),
      })),
      [
        {
          family: 6,
          sourceAddress: '::1',
          destinationAddress: '::1',
          destinationPort: CLOSED_PORT,
          reason: 'no_socket',
        },
      ],
    );
  });

  test('a packet to a connection in TIME_WAIT', async () => {
    const pair = await stage.connect();
    await stage.script.run('close', pair.server);
    await stage.script.run('close', pair.client);
    const [start, truth] = [stage.records().length, stage.truth()];
    stage.send({
      sport: pair.clientPort,
      dport: stage.port,
      seq: pair.seq + 1,
      ack: pair.ack + 1,
      payload: 3,
    });
    const ours = countByReason(
      stage
        .records()
        .slice(start)
        .map(({ reason }) => stage.reasonName(reason)),
    );
    // The answer has no socket any more, so a RST comes back: TIME_WAIT takes that.
    assert.deepEqual(ours, { no_socket: 1, not_specified: 1 });
    assert.deepEqual(gained(truth, stage.truth()), { no_socket: 1, not_specified: 2 });
  });

  test('a gigabyte that arrives', async (t) => checkTransfer(t));

  async function checkTransfer(t: TestContext): Promise<void> {
    const reader = TcpScript.start(stage.room);
    cleanup.add(() => reader.stop());
    const { listener, port } = await reader.listen();
    const [client, peer] = [stage.script.next(), reader.next()];
    await stage.script.run('socket', client);
    const [start, truth, skipped] = [stage.records().length, stage.truth(), stage.skipped];
    await stage.script.run('connect', client, port);
    await reader.run('accept', peer, listener);
    const both = [stage.script.run('fill', client, GIGABYTE), reader.run('read', peer, GIGABYTE)];
    assert.deepEqual(await Promise.all(both), [GIGABYTE, GIGABYTE]);
    await stage.script.run('close', client);
    await reader.run('close', peer);
    const ours = countByReason(
      stage
        .records()
        .slice(start)
        .map(({ reason }) => stage.reasonName(reason)),
    );
    const theirs = gained(truth, stage.truth());
    t.diagnostic(`${JSON.stringify(ours)}, the kernel ${JSON.stringify(theirs)}`);
    for (const reason of Object.keys({ ...theirs, ...ours })) {
      const [seen, freed] = [ours[reason] ?? 0, theirs[reason] ?? 0];
      // Acknowledgements and probes that were taken are freed for these reasons as well.
      if (stage.skipped === skipped && !TAKEN.has(reason)) assert.equal(seen, freed, reason);
      else assert.ok(seen <= freed, `${reason}: ${seen} of ${freed}`);
    }
  }
});

function countByReason(reasons: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
