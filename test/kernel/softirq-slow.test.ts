/**
 * Slow softirqs: each against two observers, of which one runs before our programs and one after them, so that
 * what these measured lies between; and all against the buckets of the histograms.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SOFTIRQ_SUMS } from '../../receiver/decode/generated/layout.ts';
import type { SoftirqRecord } from '../../receiver/model/record.ts';
import { METRIC_SOFTIRQ_DURATION } from '../../semconv/index.ts';
import { Cleanup } from '../support/cleanup.ts';
import { TcpScript } from '../support/script.ts';
import { SoftirqObserver, type SoftirqRun } from './rig/softirq-observer.ts';
import { ALL_SIGNALS, Watcher } from '../support/watcher.ts';

/** A bound of the histograms' buckets. */
const THRESHOLD_US = 5;
const THRESHOLD_NS = BigInt(THRESHOLD_US) * 1000n;
const SUM = 18;
const ENOUGH = 20;
const MAX_ROUNDS = 100;
const BYTES = 1 << 20;

const isSlowRun = ({ runNs = 0n }: SoftirqRecord): boolean => runNs > THRESHOLD_NS;
const isSlowWait = ({ waitNs = 0n }: SoftirqRecord): boolean => waitNs > THRESHOLD_NS;

const isOf = (run: SoftirqRun, { vector, cpu }: { vector: string; cpu: number }): boolean =>
  run.vector === vector && run.cpu === cpu;

describe('slow softirqs', () => {
  const cleanup = new Cleanup();
  let watcher: Watcher;
  let slow: SoftirqRecord[];
  let outer: SoftirqRun[];
  let inner: SoftirqRun[];
  let missed = 0;
  let lastEntryNs = 0n;
  let lastExitNs = 0n;

  before(async () => {
    const { room, script } = TcpScript.open(cleanup);
    const reader = TcpScript.start(room);
    cleanup.add(() => reader.stop());
    const first = new SoftirqObserver();
    cleanup.add(() => first.close());
    watcher = new Watcher({
      emit: { ...ALL_SIGNALS.emit, softirqSlow: true },
      thresholds: { ...ALL_SIGNALS.thresholds, softirqRunUs: THRESHOLD_US, softirqWaitUs: THRESHOLD_US },
    });
    cleanup.add(() => watcher.close());
    const last = new SoftirqObserver();
    cleanup.add(() => last.close());
    lastEntryNs = process.hrtime.bigint();
    await makeWork(script, reader);
    lastExitNs = process.hrtime.bigint();
    last.detach();
    watcher.source.detach();
    first.detach();
    slow = records();
    [outer, inner] = [first.runs(), last.runs()];
    const ours = watcher.source.recursionMisses().filter(({ probe }) => probe.startsWith('softirq_'));
    missed = ours.reduce((sum, each) => sum + each.missed, first.missed + last.missed);
  });
  after(() => cleanup.run());

  function records(): SoftirqRecord[] {
    return watcher.records().filter((record) => record.kind === 'softirq');
  }

  /** Packets by the megabyte, until enough runs were slow. */
  async function makeWork(script: TcpScript, reader: TcpScript): Promise<void> {
    const { listener, port } = await reader.listen();
    const [client, server] = [script.next(), reader.next()];
    await script.run('socket', client);
    await script.run('connect', client, port);
    await reader.run('accept', server, listener);
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      await Promise.all([script.run('fill', client, BYTES), reader.run('read', server, BYTES)]);
      if (records().filter(isSlowRun).length >= ENOUGH) return;
    }
  }

  /** Runs or waits of a vector that the histogram says were longer than the threshold. */
  function aboveThreshold(field: 'duration' | 'wait'): Map<string, number> {
    const { count, keys, values, keySize, stride } = watcher.source.read('softirqs');
    const key = new DataView(keys.buffer);
    const value = new DataView(values.buffer);
    const bound = METRIC_SOFTIRQ_DURATION.boundaries?.indexOf(THRESHOLD_US / 1e6) ?? -1;
    assert.ok(bound >= 0);
    const found = new Map<string, number>();
    for (let row = 0; row < count; row += 1) {
      let sum = 0;
      for (let at = row * stride; at < (row + 1) * stride; at += SOFTIRQ_SUMS.size)
        for (let bucket = bound + 1; bucket < SUM; bucket += 1)
          sum += Number(value.getBigUint64(at + SOFTIRQ_SUMS[field] + 8 * bucket, true));
      if (sum > 0) found.set(String(key.getUint32(row * keySize, true)), sum);
    }
    return found;
  }

  test('as many as the histograms have above the threshold, runs and waits', (t) => {
    assert.equal(watcher.count('PROBE_SOFTIRQ', 'LOST_RING_FULL'), 0);
    for (const field of ['duration', 'wait'] as const) {
      const mine = slow.filter(field === 'wait' ? isSlowWait : isSlowRun);
      const sum = [...aboveThreshold(field).values()].reduce((a, b) => a + b, 0);
      t.diagnostic(`${field}: ${mine.length}`);
      assert.equal(mine.length, sum, field);
    }
    assert.ok(slow.some(isSlowRun), 'nothing was slow');
    assert.ok(slow.every((record) => isSlowRun(record) || isSlowWait(record)));
  });

  test('each run lies between what the two observers saw', (t) => {
    const runs = slow.filter(({ timeNs, runNs = 0n }) => timeNs - runNs > lastEntryNs && timeNs < lastExitNs);
    const odd = runs.filter((record) => {
      const before = outer.findLast((run) => isOf(run, record) && run.toNs <= record.timeNs);
      const behind = inner.find((run) => isOf(run, record) && run.toNs >= record.timeNs);
      if (before === undefined || behind === undefined) return true;
      const fromNs = record.timeNs - (record.runNs ?? 0n);
      return before.fromNs > fromNs || behind.fromNs < fromNs;
    });
    t.diagnostic(`${runs.length} slow runs, ${missed} missed by a program`);
    assert.ok(runs.length > 0, 'nothing was slow');
    assert.ok(odd.length <= missed, `${odd.length} of ${runs.length} runs are none of the observers'`);
  });

  test('each run that was slow by both observers has its record', () => {
    const ofBoth = outer.flatMap((before) => {
      const behind = inner.find(
        (run) => isOf(run, before) && run.toNs >= before.toNs && run.fromNs >= before.fromNs,
      );
      return behind === undefined ? [] : [{ before, behind }];
    });
    const surelySlow = ofBoth.filter(
      ({ before, behind }) =>
        before.fromNs > lastEntryNs && behind.toNs < lastExitNs && before.toNs - behind.fromNs > THRESHOLD_NS,
    );
    const without = surelySlow.filter(
      ({ before, behind }) =>
        !slow.some(
          (record) => isOf(before, record) && record.timeNs >= before.toNs && record.timeNs <= behind.toNs,
        ),
    );
    assert.ok(without.length <= missed, `${without.length} of ${surelySlow.length} have none`);
  });
});
