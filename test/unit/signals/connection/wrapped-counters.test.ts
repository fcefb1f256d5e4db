/** Sums that pass what a number holds, or begin anew: what leaves is exact, and never negative. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Cells, gainedHistogram, RowMemory } from '../../../../receiver/signals/context.ts';
import { SERIES_BUCKETS, SERIES_CELLS } from '../../../fixtures/records/write-rows.ts';
import { CLIENT, collect, createHarness, one } from '../../../support/sums-harness.ts';

const C = SERIES_CELLS;
const TURN = 1n << 64n;
const DURATION_SUM = C.duration + SERIES_BUCKETS.duration;
const HISTOGRAM = { from: 0, buckets: 2, unit: 1 };

function cellsOf(...values: readonly bigint[]): Cells {
  return new Cells(new Uint8Array(new BigUint64Array(values).buffer));
}

function durations(touched: number, closed: number, sumNs: bigint): Parameters<typeof one>[1] {
  return { [C.touched]: touched, [C.duration]: closed, [DURATION_SUM]: sumNs % TURN };
}

describe('counters of 64 bits', () => {
  it('gain exactly above 2^53', () => {
    const start = (1n << 53n) + 1n;
    const memory = new RowMemory(1);
    memory.gain(cellsOf(start), 0);
    assert.equal(memory.gain(cellsOf(start + 3n), 0), 3);
    assert.equal(memory.gain(cellsOf(start + 4n), 0), 1);
    assert.equal(memory.gain(cellsOf(start + 4n + 1_000_000_007n), 0), 1_000_000_007);
  });

  it('are all new when the row fell', () => {
    const harness = createHarness();
    collect(
      harness,
      one(CLIENT, { [C.touched]: 1, [C.opened]: 100, [C.bytesSent]: 5_000, [C.segmentsSent]: 70 }),
      one(CLIENT, { [C.touched]: 2, [C.opened]: 7, [C.bytesSent]: 90, [C.segmentsSent]: 0 }),
      one(CLIENT, { [C.touched]: 3, [C.opened]: 9, [C.bytesSent]: 100, [C.segmentsSent]: 4 }),
    );
    assert.equal(harness.sink.total('wirespan.tcp.connection.opened'), 109);
    assert.equal(harness.sink.total('wirespan.tcp.io'), 5_100);
    assert.equal(harness.sink.total('wirespan.tcp.segments'), 74);
  });

  it('whatever they were: the gains of a cell add up to what was added, modulo 2^64', () => {
    const step = fc.bigInt({ min: 0n, max: (1n << 53n) - 1n });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: TURN - 1n }), fc.array(step), (first, steps) => {
        const memory = new RowMemory(1);
        memory.gainPast(cellsOf(first), 0);
        let now = first;
        for (const added of steps) {
          now = (now + added) % TURN;
          assert.equal(BigInt(memory.gainPast(cellsOf(now), 0)), added);
        }
      }),
    );
  });

  it('never lose: each gain is what was added, or all that a row holds that fell', () => {
    const value = fc.bigInt({ min: 0n, max: (1n << 53n) - 1n });
    fc.assert(
      fc.property(fc.array(value), (values) => {
        const memory = new RowMemory(1);
        let before = 0n;
        for (const now of values) {
          assert.equal(BigInt(memory.gain(cellsOf(now), 0)), now >= before ? now - before : now);
          before = now;
        }
      }),
    );
  });
});

describe('sums of durations', () => {
  it('go on past 2^64 ns', () => {
    const harness = createHarness();
    const most = TURN - 3_000_000_000n;
    const sums = collect(harness, one(CLIENT, durations(1, 100, most)));
    const before = [...harness.sink.histograms.values()][0]?.sum ?? 0;
    harness.sink.histograms.clear();
    sums.update(one(CLIENT, durations(2, 101, most + 7_500_000_000n)));
    assert.equal(before, Number(most) / 1e9);
    const [after] = harness.sink.histograms.values();
    assert.deepEqual([after?.sum, after?.counts[0]], [7.5, 1]);
  });

  it('of more than 2^63 ns in one interval are what they are', () => {
    const harness = createHarness();
    const day = 86_400_000_000_000n;
    const closed = 150_000;
    collect(
      harness,
      one(CLIENT, durations(1, 1, day)),
      one(CLIENT, durations(2, 1 + closed, day * BigInt(1 + closed))),
    );
    const [all] = harness.sink.histograms.values();
    assert.deepEqual([all?.sum, all?.counts[0]], [86_400 * (1 + closed), 1 + closed]);
  });

  it('of a row that began anew are all that it holds', () => {
    const memory = new RowMemory(3);
    gainedHistogram(memory, cellsOf(5n, 6n, 1_000n), HISTOGRAM);
    assert.deepEqual(gainedHistogram(memory, cellsOf(1n, 2n, 30n), HISTOGRAM), { counts: [1, 2], sum: 30 });
    assert.deepEqual(gainedHistogram(memory, cellsOf(1n, 3n, 31n), HISTOGRAM), { counts: [0, 1], sum: 1 });
  });
});
