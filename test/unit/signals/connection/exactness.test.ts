import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ConnectionSums } from '../../../../receiver/signals/connection/sums.ts';
import {
  cellsOf,
  mapImage,
  SERIES_BUCKETS,
  SERIES_CELLS,
  seriesKey,
} from '../../../fixtures/records/write-rows.ts';
import { CLIENT, CLIENT_SERIES, createHarness, type Harness } from '../../../support/sums-harness.ts';

const C = SERIES_CELLS;
const NO_SUM = -1;

/** What programs add to: counters, and pairs of a bucket and its histogram's sum. */
const COUNTERS = [
  C.opened,
  ...Array.from({ length: 8 }, (_, i) => C.closed + i),
  C.bytesSent,
  C.bytesReceived,
  C.segmentsSent,
  C.segmentsReceived,
];
const HISTOGRAMS = (Object.keys(SERIES_BUCKETS) as (keyof typeof SERIES_BUCKETS)[]).map((name) => ({
  first: C[name],
  buckets: SERIES_BUCKETS[name],
}));

interface Addition {
  readonly row: number;
  readonly cell: number;
  readonly amount: number;
  /** Cell of the sum that follows the bucket, or `NO_SUM`. */
  readonly sum: number;
}

const addition: fc.Arbitrary<Addition> = fc.oneof(
  fc.record({
    row: fc.nat(2),
    cell: fc.constantFrom(...COUNTERS),
    amount: fc.integer({ min: 1, max: 2 ** 40 }),
    sum: fc.constant(NO_SUM),
  }),
  fc
    .record({
      row: fc.nat(2),
      amount: fc.integer({ min: 1, max: 2 ** 31 }),
      which: fc.nat(5),
      bucket: fc.nat(22),
    })
    .map(({ row, amount, which, bucket }) => {
      const { first, buckets } = HISTOGRAMS[which] ?? assert.fail();
      return { row, amount, cell: first + (bucket % buckets), sum: first + buckets };
    }),
);

/** The kernel's rows of one process, three of its ports. */
class Kernel {
  readonly rows = [0, 1, 2].map(() => new Array<number>(C.count).fill(0));
  #clock = 0;

  /** The single writes of a program that makes one addition: its stamp comes first. */
  stepsOf({ row, cell, amount, sum }: Addition): (() => void)[] {
    const cells = this.rows[row] ?? assert.fail();
    const add = (at: number, what: number): void => {
      cells[at] = (cells[at] ?? 0) + what;
    };
    const stamp = (): void => {
      this.#clock += 1;
      cells[C.touched] = this.#clock;
    };
    if (sum === NO_SUM) return [stamp, () => add(cell, amount)];
    return [stamp, () => add(cell, 1), () => add(sum, amount)];
  }

  read(sums: ConnectionSums): void {
    sums.update(
      mapImage(
        this.rows.map((cells, i) => [seriesKey({ ...CLIENT, serverPort: i }), cellsOf(cells)] as const),
      ),
    );
  }

  total(...cells: readonly number[]): number {
    let sum = 0;
    for (const row of this.rows) for (const cell of cells) sum += row[cell] ?? 0;
    return sum;
  }
}

function assertExact(kernel: Kernel, { sink }: Harness): void {
  const range = (from: number, length: number): number[] => Array.from({ length }, (_, i) => from + i);
  assert.equal(sink.total('wirespan.tcp.connection.opened'), kernel.total(C.opened));
  assert.equal(sink.total('wirespan.tcp.connection.closed'), kernel.total(...range(C.closed, 8)));
  assert.equal(sink.total('wirespan.tcp.io', 'transmit'), kernel.total(C.bytesSent));
  assert.equal(sink.total('wirespan.tcp.io', 'receive'), kernel.total(C.bytesReceived));
  assert.equal(sink.total('wirespan.tcp.segments', 'transmit'), kernel.total(C.segmentsSent));
  assert.equal(sink.total('wirespan.tcp.segments', 'receive'), kernel.total(C.segmentsReceived));
  let exported = 0;
  for (const { counts } of sink.histograms.values()) for (const count of counts) exported += count;
  const buckets = HISTOGRAMS.flatMap(({ first, buckets: length }) => range(first, length));
  assert.equal(exported, kernel.total(...buckets));
}

/** Histogram sums in the kernel's own units (nanoseconds and bytes). */
function exportedSums({ sink }: Harness): number {
  let sum = 0;
  for (const [series, histogram] of sink.histograms)
    sum += series.includes('transfer.size') ? histogram.sum : histogram.sum * 1e9;
  return Math.round(sum);
}

function kernelSums(kernel: Kernel): number {
  return kernel.total(...HISTOGRAMS.map(({ first, buckets }) => first + buckets));
}

describe('what is exported is what the kernel counted', () => {
  it('whatever was read in between', () => {
    const work = fc.array(fc.oneof({ weight: 3, arbitrary: addition }, fc.constant('read' as const)), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(work, (steps) => {
        const kernel = new Kernel();
        const harness = createHarness();
        const sums = new ConnectionSums(harness);
        for (const step of steps)
          if (step === 'read') kernel.read(sums);
          else for (const write of kernel.stepsOf(step)) write();
        kernel.read(sums);
        assertExact(kernel, harness);
        assert.equal(exportedSums(harness), kernelSums(kernel));
      }),
      { numRuns: 150 },
    );
  });

  it('even when reads fall between the writes of a program', () => {
    const work = fc.array(fc.tuple(addition, fc.array(fc.boolean(), { minLength: 3, maxLength: 3 })), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(work, (steps) => {
        const kernel = new Kernel();
        const harness = createHarness();
        const sums = new ConnectionSums(harness);
        for (const [each, readsAfter] of steps) {
          for (const [i, write] of kernel.stepsOf(each).entries()) {
            write();
            if (readsAfter[i] === true) kernel.read(sums);
          }
        }
        kernel.read(sums);
        assertExact(kernel, harness);
        assert.ok(exportedSums(harness) <= kernelSums(kernel));
        // A sum that a read cut from its bucket leaves with the histogram's next value.
        for (const row of [0, 1, 2])
          for (const { first, buckets } of HISTOGRAMS)
            for (const write of kernel.stepsOf({ row, cell: first, amount: 1, sum: first + buckets }))
              write();
        kernel.read(sums);
        assert.equal(exportedSums(harness), kernelSums(kernel));
      }),
      { numRuns: 150 },
    );
  });
});

describe('retransmits', () => {
  const SYN_ACK = 4;
  const RETRANSMITS = `wirespan.tcp.retransmits w10 ${CLIENT_SERIES} wirespan.tcp.retransmit.type=`;
  type Step = { readonly type: number } | 'pass' | 'unseen' | 'read';
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 3, arbitrary: fc.nat(5).map((type) => ({ type })) },
    fc.constantFrom('pass', 'unseen', 'read'),
  );

  /**
   * A socket's counter (`sent`) becomes the row's total at a pass only, so events
   * come before the total, or never; SYN-ACKs are in no socket's counter.
   */
  function play(steps: readonly Step[]): { harness: Harness; row: number[]; synAcks: number } {
    const harness = createHarness();
    const sums = new ConnectionSums(harness);
    const row = new Array<number>(C.count).fill(0);
    let sent = 0;
    let synAcks = 0;
    const act = (each: Step): void => {
      row[C.touched] = (row[C.touched] ?? 0) + 1;
      if (each === 'read') sums.update(mapImage([[seriesKey(CLIENT), cellsOf(row)]]));
      else if (each === 'pass') row[C.segmentsRetransmitted] = sent;
      else if (each === 'unseen') sent += 1;
      else {
        row[C.retransmits + each.type] = (row[C.retransmits + each.type] ?? 0) + 1;
        if (each.type === SYN_ACK) synAcks += 1;
        else sent += 1;
      }
    };
    for (const each of [...steps, 'pass' as const, 'read' as const]) act(each);
    return { harness, row, synAcks };
  }

  it('never fall, and their total is what the sockets counted', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        // TestSink refuses any delta that is not positive.
        const { harness, row, synAcks } = play(steps);
        const total = (row[C.segmentsRetransmitted] ?? 0) + synAcks;
        assert.equal(harness.sink.total('wirespan.tcp.retransmits'), total);
        for (const [type, name] of ['fast', 'timeout', 'tail_loss_probe', 'syn', 'syn_ack'].entries())
          assert.equal(harness.sink.sums.get(`${RETRANSMITS}${name}`) ?? 0, row[C.retransmits + type]);
      }),
      { numRuns: 300 },
    );
  });

  it('never fall, whatever order the two figures are seen in', () => {
    const cell = fc.nat(9);
    const reading = fc.tuple(cell, cell, cell, cell, cell, cell, cell);
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 20 }), (gains) => {
        const harness = createHarness();
        const sums = new ConnectionSums(harness);
        const row = new Array<number>(C.count).fill(0);
        let other = 0;
        for (const [touched, gained] of gains.entries()) {
          row[C.touched] = touched + 1;
          for (const [i, each] of gained.entries())
            row[C.retransmits + i] = (row[C.retransmits + i] ?? 0) + each;
          const [fast = 0, timeout = 0, probe = 0, syn = 0, , unknown = 0, all = 0] = row.slice(
            C.retransmits,
          );
          sums.update(mapImage([[seriesKey(CLIENT), cellsOf(row)]]));
          other = Math.max(other, all - (fast + timeout + probe + syn + unknown));
          assert.equal(harness.sink.total('retransmit.type=other'), unknown + other);
        }
      }),
      { numRuns: 200 },
    );
  });
});
