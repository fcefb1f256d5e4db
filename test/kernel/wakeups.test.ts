/**
 * From data being ready until its reader runs, against readers that count their sleeps, and a hog and a writer that
 * note their times (test/kernel/late-reader.c).
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OWNER_KEY, WAKEUP_KEY, WAKEUP_SUMS } from '../../receiver/decode/generated/layout.ts';
import type { WakeupRecord } from '../../receiver/model/record.ts';
import type { CpuRun } from '../../receiver/model/wakeup.ts';
import { METRIC_TCP_WAKEUP_DURATION } from '../../semconv/index.ts';
import { Cleanup } from '../support/cleanup.ts';
import { runLateReader } from '../support/late-reader.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { onlyIn, Watcher } from '../support/watcher.ts';

const BUCKETS = (METRIC_TCP_WAKEUP_DURATION.boundaries?.length ?? 0) + 1;
/** A prime number of messages. */
const MESSAGES = 211;
const CROWD = 200;
const HOG_MS = 60;

interface Sums {
  readonly count: number;
  readonly sumNs: bigint;
}

/** Rows of `wakeups` of a process, or those of nobody. */
function sumsOf(watcher: Watcher, pid: number, isOverflow = false): { wake: Sums; run: Sums } {
  const { count, keys, values, keySize, stride } = watcher.source.read('wakeups');
  const key = new DataView(keys.buffer);
  const value = new DataView(values.buffer);
  const found = { wake: { count: 0, sumNs: 0n }, run: { count: 0, sumNs: 0n } };
  for (let row = 0; row < count; row += 1) {
    const at = row * keySize;
    if (key.getUint32(at + WAKEUP_KEY.owner + OWNER_KEY.pid, true) !== pid) continue;
    if ((key.getUint8(at + WAKEUP_KEY.overflow) !== 0) !== isOverflow) continue;
    for (const part of ['wake', 'run'] as const) {
      const cell = (index: number): bigint =>
        value.getBigUint64(row * stride + WAKEUP_SUMS[part] + 8 * index, true);
      for (let bucket = 0; bucket < BUCKETS; bucket += 1) found[part].count += Number(cell(bucket));
      found[part].sumNs += cell(BUCKETS);
    }
  }
  return found;
}

const sumOf = (values: Iterable<bigint>): bigint => [...values].reduce((sum, value) => sum + value, 0n);
const timeOf = (runs: readonly CpuRun[], pid: number): bigint =>
  sumOf(runs.filter((run) => run.pid === pid).map(({ ns }) => ns));

describe('wake-ups', () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let watcher: Watcher;

  before(() => {
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    // Each wake-up has a record: none is over within a microsecond.
    watcher = new Watcher({ ...onlyIn(room), wakeupDuration: true, slowWakeupUs: 1 });
    cleanup.add(() => watcher.close());
  });
  after(() => cleanup.run());

  const recordsOf = (pid: number): WakeupRecord[] =>
    watcher
      .records()
      .filter((record) => record.kind === 'wakeup')
      .filter(({ owner }) => owner.pid === pid);

  for (const mode of ['read', 'epoll'] as const)
    test(`as many as its reader slept for, by ${mode}`, async () => {
      const { pid, thread, sleeps } = await runLateReader(room, mode, MESSAGES);
      assert.equal(sleeps, MESSAGES);
      const { wake, run } = sumsOf(watcher, pid);
      assert.deepEqual([wake.count, run.count], [sleeps, sleeps]);
      const records = recordsOf(pid);
      assert.equal(records.length, sleeps);
      assert.equal(sumOf(records.map(({ wakeNs }) => wakeNs)), wake.sumNs);
      assert.equal(sumOf(records.map(({ runNs }) => runNs)), run.sumNs);
      for (const { netns, waker, runs, runNs, hasMoreRuns, ...record } of records) {
        assert.deepEqual([record.thread, netns, record.role], [thread, room.inode, 'server']);
        const { command, vector, woken } = waker;
        assert.deepEqual([waker.pid, command, vector, woken], [pid, 'late-reader', 'net_rx', 1]);
        // All of the wait is somebody's.
        if (!hasMoreRuns) assert.equal(sumOf(runs.map(({ ns }) => ns)), runNs);
      }
    });

  test('who is awake when data comes has not been woken', async () => {
    const { pid, sleeps } = await runLateReader(room, 'awake', 101);
    assert.equal(sleeps, 0);
    assert.deepEqual(sumsOf(watcher, pid), { wake: { count: 0, sumNs: 0n }, run: { count: 0, sumNs: 0n } });
    assert.deepEqual(recordsOf(pid), []);
  });

  test('the hog that has its CPU is named, with the time that it cost', async (t) => {
    const { pid, thread, hog, ...truth } = await runLateReader(room, 'hog', HOG_MS);
    const [record, ...others] = recordsOf(pid);
    assert.ok(record);
    assert.deepEqual(others, []);
    const cost = timeOf(record.runs, hog);
    t.diagnostic(`hog ${cost} ns of ${record.runNs}, woken after ${record.wakeNs} ns`);
    assert.deepEqual([record.thread, record.cpu], [thread, 1]);
    assert.equal(record.runs.find((run) => run.pid === hog)?.command, 'cpu-hog');
    assert.ok(record.timeNs <= truth.ranNs && record.timeNs - record.runNs >= truth.beforeNs);
    // It had the CPU from before the message until it stopped by itself.
    assert.ok(cost >= truth.untilNs - truth.afterNs, `${cost} ≥ ${truth.untilNs - truth.afterNs}`);
    assert.ok(cost <= record.runNs && record.runNs <= truth.ranNs - truth.beforeNs);
    if (!record.hasMoreRuns) assert.equal(sumOf(record.runs.map(({ ns }) => ns)), record.runNs);
  });

  test('a waker of hundreds is named, with the time that it took', async (t) => {
    const { pid, beforeNs, ranNs, sleeps } = await runLateReader(room, 'crowd', CROWD);
    assert.equal(sleeps, CROWD);
    const records = recordsOf(pid);
    const threads = new Set(records.map(({ thread }) => thread));
    assert.deepEqual([records.length, threads.size], [CROWD, CROWD]);
    const inTurn = records.toSorted((a, b) => a.waker.woken - b.waker.woken);
    assert.deepEqual(
      inTurn.map(({ waker }) => waker.woken),
      Array.from({ length: CROWD }, (_, i) => i + 1),
    );
    assert.ok(records.every(({ waker }) => waker.pid === pid && waker.vector === 'net_rx'));
    // One call woke all of them: its data was ready for each at the same time.
    const ready = new Set(records.map(({ timeNs, runNs, wakeNs }) => timeNs - runNs - wakeNs));
    const [at] = ready;
    assert.equal(ready.size, 1);
    assert.ok(at !== undefined && at > beforeNs && ranNs === 0n);
    const [first, last] = [inTurn[0], inTurn.at(-1)];
    assert.ok(first && last && last.wakeNs > first.wakeNs);
    t.diagnostic(`first woken after ${first.wakeNs} ns, last after ${last.wakeNs} ns`);
  });

  test('nothing of all that was lost', () => {
    assert.equal(watcher.count('PROBE_WAKEUP', 'LOST_MAP_FULL'), 0);
    assert.equal(watcher.count('PROBE_WAKEUP', 'LOST_RING_FULL'), 0);
  });

  test('who finds no room among those that wait is not timed, and counted', async (t) => {
    const small = new Watcher({ ...onlyIn(room), maxSeries: 2, wakeupDuration: true, slowWakeupUs: 0 });
    try {
      const { pid } = await runLateReader(room, 'crowd', CROWD);
      const { run } = sumsOf(small, pid);
      const lost = small.count('PROBE_WAKEUP', 'LOST_MAP_FULL');
      t.diagnostic(`${run.count} timed, ${lost} not`);
      assert.ok(lost > 0);
      assert.equal(run.count + lost, CROWD);
    } finally {
      small.close();
    }
  });

  test('a process without a row is in the overflow row, and counted', async () => {
    const small = new Watcher({ ...onlyIn(room), maxSeries: 2, wakeupDuration: true, slowWakeupUs: 0 });
    try {
      const [one, other] = [await runLateReader(room, 'read', 7), await runLateReader(room, 'read', 11)];
      assert.equal(sumsOf(small, one.pid).run.count, 7);
      assert.equal(sumsOf(small, other.pid).run.count, 0);
      assert.equal(sumsOf(small, 0, true).run.count, 11);
      assert.equal(small.count('PROBE_WAKEUP', 'LOST_MAP_FULL'), 11);
      assert.ok(small.records().every(({ kind }) => kind !== 'wakeup'));
    } finally {
      small.close();
    }
  });

  test('no program of it is loaded unless it is asked for', () => {
    const plain = new Watcher();
    try {
      const programs = plain.source.plan.attached.map(({ program }) => program);
      assert.ok(!programs.some((name) => name.startsWith('ws_wakeup')), programs.join(' '));
      assert.deepEqual([plain.source.limitOf('wakeups'), plain.source.limitOf('waiting_readers')], [1, 1]);
    } finally {
      plain.close();
    }
  });
});
