/** Programs that were skipped: every sum and every record is as without it. A second watcher misses nothing. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { METRIC_TCP_HANDSHAKE_DURATION } from '../../semconv/index.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { closePair, lives, openPair, type Life, type Pair } from './rig/lives.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { churnTruth, count, playChurn, type ChurnSums } from './rig/churn.ts';
import { nameOf, SkippingWatcher, type Skip } from './rig/skips.ts';
import { Watcher } from '../support/watcher.ts';

const HANDSHAKE_BUCKETS = (METRIC_TCP_HANDSHAKE_DURATION.boundaries?.length ?? 0) + 1;
/** Connections of the churn; fewer in a virtual machine. */
const CHURN = Number(process.env['WIRESPAN_TEST_CHURN'] ?? 4_001);
const LEAST_MISSES = 1_000;
const SLOW_NS = 20_000;
/** Longer than a server needs to ask for the next connection. */
const VERY_SLOW_NS = 1_000_000;
const ASK_US = 200;
const FEW = 23;
/** What comes by softirq, and so interrupts. */
const CHURN_CHANGES: readonly Skip[] = [
  ['listen', 'syn_recv'],
  ['syn_recv', 'established'],
  ['syn_sent', 'established'],
  ['established', 'close_wait'],
  ['fin_wait_1', 'fin_wait_2'],
  ['fin_wait_2', 'close'],
  ['last_ack', 'close'],
];

describe('programs that are skipped', () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let script: TcpScript;
  let watcher: SkippingWatcher;
  let reference: Watcher;

  before(() => {
    ({ room, script } = TcpScript.open(cleanup));
    watcher = new SkippingWatcher(room, { ringBufferBytes: 16 << 20 });
    cleanup.add(() => watcher.close());
    reference = new Watcher();
    cleanup.add(() => reference.close());
  });
  after(() => cleanup.run());

  /** All that the kernel side says of the connections at a port, but for times. */
  function told(by: Watcher, port: number): { rows: unknown[]; records: unknown[] } {
    const rows = by
      .series()
      .filter((row) => row.port === port)
      .map(({ pid, role, error, sum }) => ({
        pid,
        role,
        error,
        opened: sum('opened'),
        closed: Array.from({ length: 8 }, (_, i) => sum('closed', i)),
        bytes: [sum('bytes_sent'), sum('bytes_received')],
        segments: [sum('segments_sent'), sum('segments_received'), sum('segments_retransmitted')],
        handshakes: count(HANDSHAKE_BUCKETS, (i) => sum('handshake', i)),
        durations: count(20, (i) => sum('duration', i)),
        sizes: [count(14, (i) => sum('size_sent', i)), sum('size_sent', 14), sum('size_received', 14)],
      }));
    const records = by.records().flatMap((record) =>
      (record.kind === 'open' || record.kind === 'close' || record.kind === 'fail') &&
      record.netns === room.inode &&
      (record.role === 'client' ? record.endpoints.peerPort : record.endpoints.localPort) === port
        ? [
            {
              kind: record.kind,
              role: record.role,
              reason: record.closeReason,
              error: record.error,
              bytes: [record.bytesSent, record.bytesReceived],
              pid: record.owner.pid,
              peerPort: record.endpoints.peerPort,
            },
          ]
        : [],
    );
    return { rows: sorted(rows), records: sorted(records) };
  }

  /** One connection, of which these were missed. */
  async function expectSame(life: Life, skips: readonly Skip[]): Promise<void> {
    watcher.skip(skips);
    const port = await life.play(script);
    const closes = (): number =>
      told(reference, port).records.filter((each) => (each as { kind: string }).kind !== 'open').length;
    const isOver = (): boolean => {
      // The kernel may have skipped the reference as well: a pass finds what it did not see.
      if (closes() < life.ends) reference.pass();
      return closes() >= life.ends;
    };
    await waitFor('both ends to end', isOver);
    watcher.skip([]);
    // A connect() of this moment is left to itself: not so one of ten seconds ago.
    for (const each of [watcher, reference]) each.source.pass(process.hrtime.bigint() + 10_000_000_000n);
    assert.deepEqual(told(watcher, port), told(reference, port), skips.map(nameOf).join(', '));
  }

  for (const [name, life] of Object.entries(lives)) {
    test(`${name}: each change missed, and each two`, async (t) => {
      const before = watcher.skipped;
      const hasTable = watcher.source.plan.isConnTable;
      for (const [i, first] of life.skips.entries())
        for (const second of life.skips.slice(i)) {
          // What is in the socket goes with it.
          if (!hasTable && second === 'ws_destroy' && first !== second) continue;
          await expectSame(life, [first, second]);
        }
      t.diagnostic(
        `${watcher.skipped - before} runs skipped, ${watcher.count('PROBE_STATE', 'REPAIRED')} repairs`,
      );
      assert.ok(watcher.skipped > before);
      assert.equal(watcher.count('PROBE_STATE', 'LOST_SKIPPED'), 0, 'nothing was lost');
    });
  }

  const churn = (connections = CHURN, askUs = 0): Promise<ChurnSums> =>
    playChurn(watcher, room, connections, { askUs, afterwards: () => watcher.skip([]) });
  const TRUTH = churnTruth(CHURN);

  test('a tenth of all changes of a churn missed, by chance', async (t) => {
    const before = watcher.skipped;
    for (let round = 0; watcher.skipped - before < LEAST_MISSES; round += 1) {
      assert.ok(round < 20);
      watcher.skip(CHURN_CHANGES, { permille: 100 });
      assert.deepEqual(await churn(), TRUTH);
    }
    t.diagnostic(`${watcher.skipped - before} runs skipped`);
    assert.equal(watcher.count('PROBE_STATE', 'LOST_SKIPPED'), 0);
  });

  /** tcp_check_req() puts a child into the accept queue before it is ESTABLISHED, and another CPU takes it. */
  test('accepted while the program for its beginning runs: one connection, with one accept', async () => {
    const accepts = (): number =>
      watcher.records().filter((each) => each.kind === 'accept' && each.netns === room.inode).length;
    const before = accepts();
    watcher.skip([], { slowNs: VERY_SLOW_NS });
    assert.deepEqual(await churn(FEW, ASK_US), churnTruth(FEW));
    if (watcher.source.plan.accept !== 'none') assert.equal(accepts() - before, FEW);
  });

  test('a churn with programs so slow that the kernel itself skips them', async (t) => {
    const rps = `echo 3 > /sys/class/net/lo/queues/rx-0/rps_cpus`;
    await promisify(execFile)('ip', ['netns', 'exec', room.name, 'sh', '-c', rps]);
    const before = watcher.recursions();
    const closes = (): number => watcher.records().filter(({ kind }) => kind === 'close').length;
    for (let round = 0; watcher.recursions() - before < LEAST_MISSES && round < 5; round += 1) {
      const [had, lost] = [closes(), watcher.count('PROBE_STATE', 'LOST_SKIPPED')];
      watcher.skip([], { slowNs: SLOW_NS });
      assert.deepEqual(await churn(), TRUTH);
      // The kernel at times runs no program at all for an end, and counts nothing: exported + lost = produced.
      const ownLost = watcher.count('PROBE_STATE', 'LOST_SKIPPED') - lost;
      t.diagnostic(`${watcher.recursions() - before} runs skipped by the kernel, ${ownLost} ends lost`);
      assert.ok(closes() - had + ownLost >= 2 * CHURN);
      assert.equal(watcher.countAll('LOST_RING_FULL'), 0);
    }
    assert.ok(watcher.recursions() > before);
  });

  test('an end, a destruction and every pass missed are one loss, once another socket is there', async (t) => {
    if (!watcher.source.plan.isConnTable) return t.skip('what is in the socket goes with it');
    const life = lives['closed by the client'];
    assert.ok(life);
    const lost = watcher.count('PROBE_STATE', 'LOST_SKIPPED');
    const ports: number[] = [];
    const closedAt = (port: number): number =>
      watcher
        .series()
        .filter((row) => row.port === port && row.role === 1)
        .reduce((sum, row) => sum + count(8, (i) => row.sum('closed', i)), 0);
    const closed = (): number => ports.reduce((sum, port) => sum + closedAt(port), 0);
    // Whether the memory of a socket is another's soon is up to the kernel, which keeps some for each CPU: more are
    // tried, on all of them.
    const cpus = Array.from({ length: availableParallelism() }, (_, cpu) => String(cpu));
    const runOn = (list: string) => promisify(execFile)('taskset', ['-p', '-c', list, String(script.pid)]);
    while (ports.length < 10 && closed() === 0) {
      watcher.skip(['ws_destroy', ['fin_wait_2', 'close']]);
      // The kernel may skip one of them itself, when it interrupts another.
      const missed = (): number =>
        watcher.skipped + watcher.recursions() + watcher.recursions('tcp_destroy_sock');
      const before = missed();
      ports.push(await life.play(script));
      // The end, and the destruction of the client, the server and the listener: in any order.
      await waitFor('all to be skipped', () => missed() - before >= 4);
      watcher.skip([]);
      const others: Pair[] = [];
      for (const cpu of cpus) {
        await runOn(cpu);
        for (let i = 0; i < 8 && closed() === 0; i += 1)
          for (let j = 0; j < 25; j += 1) others.push(await openPair(script));
      }
      await runOn(cpus.join());
      for (const pair of others) await closePair(script, pair);
    }
    t.diagnostic(`${ports.length} missed, ${closed()} of them found`);
    assert.ok(closed() > 0);
    assert.ok(ports.every((port) => closedAt(port) <= 1));
    assert.equal(watcher.count('PROBE_STATE', 'LOST_SKIPPED') - lost, closed());
  });
});

function sorted(values: readonly unknown[]): unknown[] {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? Number(each) : each));
  return [...values].sort((a, b) => (text(a) < text(b) ? -1 : 1));
}
