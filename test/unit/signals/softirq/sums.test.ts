import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRICS, ATTR_CPU_LOGICAL_NUMBER } from '../../../../semconv/index.ts';
import { Image } from '../../../fixtures/records/image.ts';
import type { MapImage } from '../../../../receiver/model/map-image.ts';
import { cellsOf, mapImage } from '../../../fixtures/records/write-rows.ts';
import { createHarness } from '../../../support/sums-harness.ts';
import { SoftirqSums } from '../../../../receiver/signals/softirq/sums.ts';

describe('SoftirqSums', () => {
  const NET_RX = 3;
  const TIMER = 1;

  /** A per-CPU array: for each vector the rows of two CPUs, 43 cells each. */
  function vectors(
    ...given: readonly (readonly [vector: number, cpu0: number[], cpu1: number[]])[]
  ): MapImage {
    return mapImage(
      given.map(([vector, cpu0, cpu1]) => {
        const cells = new Array<number>(86).fill(0);
        for (const [cpu, [time = 0, bucket = 0, sum = 0, waits = 0]] of [cpu0, cpu1].entries()) {
          cells[cpu * 43] = 999;
          cells[cpu * 43 + 1] = time;
          cells[cpu * 43 + 3 + 2] = bucket;
          cells[cpu * 43 + 3 + 18] = sum;
          cells[cpu * 43 + 23 + 1] = waits;
          cells[cpu * 43 + 23 + 18] = waits * 1e3;
        }
        return [new Image(4).u32(0, vector).bytes, cellsOf(cells)] as const;
      }),
    );
  }

  it('add up the CPUs, in seconds, with durations of network vectors only', () => {
    const harness = createHarness();
    const sums = new SoftirqSums(harness);
    sums.update(vectors([NET_RX, [1e9, 1, 1e9], [2e9, 2, 2e9]], [TIMER, [5e8, 4, 5e8], []]));
    sums.update(vectors([NET_RX, [1e9, 1, 1e9], [4e9, 3, 4e9]], [TIMER, [5e8, 4, 5e8], []]));
    assert.deepEqual(Object.fromEntries(harness.sink.sums), {
      'wirespan.softirq.time host wirespan.softirq.vector=net_rx': 5,
      'wirespan.softirq.time host wirespan.softirq.vector=timer': 0.5,
    });
    const counts = new Array<number>(18).fill(0);
    counts[2] = 4;
    assert.deepEqual(
      [...harness.sink.histograms],
      [['wirespan.softirq.duration host wirespan.softirq.vector=net_rx', { counts, sum: 5 }]],
    );
  });

  it('wait for network vectors', () => {
    const harness = createHarness();
    new SoftirqSums(harness).update(vectors([NET_RX, [0, 0, 0, 5], [0, 0, 0, 6]], [TIMER, [0, 0, 0, 7], []]));
    const counts = new Array<number>(18).fill(0);
    counts[1] = 11;
    assert.deepEqual(
      [...harness.sink.histograms],
      [['wirespan.softirq.wait.duration host wirespan.softirq.vector=net_rx', { counts, sum: 11e-6 }]],
    );
  });

  it('tell the CPU when that is asked for', () => {
    const harness = createHarness({ optIn: [ATTR_CPU_LOGICAL_NUMBER] });
    new SoftirqSums(harness).update(vectors([NET_RX, [1e9], [2e9]]));
    assert.deepEqual(Object.fromEntries(harness.sink.sums), {
      'wirespan.softirq.time host cpu.logical_number=0 wirespan.softirq.vector=net_rx': 1,
      'wirespan.softirq.time host cpu.logical_number=1 wirespan.softirq.vector=net_rx': 2,
    });
  });

  it('keep vectors apart whatever order they are read in, and ignore those without a name', () => {
    const harness = createHarness();
    const sums = new SoftirqSums(harness);
    sums.update(vectors([NET_RX, [1e9], []], [TIMER, [3e9], []], [10, [9e9], []]));
    sums.update(vectors([TIMER, [3e9], []], [NET_RX, [2e9], []]));
    assert.deepEqual([...harness.sink.sums.values()], [2, 3]);
  });

  it('tell nothing when off', () => {
    const harness = createHarness({ off: METRICS });
    new SoftirqSums(harness).update(vectors([NET_RX, [1e9, 1, 1e9], []]));
    assert.equal(harness.sink.calls, 0);
  });
});
