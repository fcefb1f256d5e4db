import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MapImage } from '../../../../receiver/model/map-image.ts';
import { WakeupSums } from '../../../../receiver/signals/wakeup/sums.ts';
import { METRIC_TCP_WAKEUP_DURATION } from '../../../../semconv/index.ts';
import { Image } from '../../../fixtures/records/image.ts';
import { mapImage, ownerKey } from '../../../fixtures/records/write-rows.ts';
import { CLIENT, createHarness } from '../../../support/sums-harness.ts';

const NAME = 'wirespan.tcp.wakeup.duration';
const BUCKETS = 18;
const SUM = 18;
/** The first cell of `struct wakeup_sums.run`. */
const RUN = 19;

function keyOf(isOverflow: boolean): Uint8Array {
  return new Image(24).raw(0, isOverflow ? [] : ownerKey(CLIENT.owner)).u8(16, Number(isOverflow)).bytes;
}

function row(cells: Readonly<Record<number, number>>, isOverflow = false): MapImage {
  const image = new Image(312);
  for (const [cell, value] of Object.entries(cells)) image.u64(8 * Number(cell), value);
  return mapImage([[keyOf(isOverflow), image.bytes]]);
}

function counts(given: Readonly<Record<number, number>>): number[] {
  return Array.from({ length: BUCKETS }, (_, bucket) => given[bucket] ?? 0);
}

describe('WakeupSums', () => {
  it('are two histograms in seconds on the process that was woken', () => {
    const harness = createHarness();
    new WakeupSums(harness).update(
      row({ 0: 3, 17: 2, [SUM]: 25_000_000_000, [RUN + 2]: 5, [RUN + SUM]: 5_000_000_000 }),
    );
    assert.deepEqual(Object.fromEntries(harness.sink.histograms), {
      [`${NAME} w10 wirespan.wakeup.part=wake`]: { counts: counts({ 0: 3, 17: 2 }), sum: 25 },
      [`${NAME} w10 wirespan.wakeup.part=run`]: { counts: counts({ 2: 5 }), sum: 5 },
    });
  });

  it('add what was gained, and start over after a row was forgotten', () => {
    const harness = createHarness();
    const sums = new WakeupSums(harness);
    for (const count of [2, 2, 5]) sums.update(row({ 4: count, [SUM]: count * 1e9 }));
    sums.forget(Buffer.from(keyOf(false)).toString('latin1'));
    sums.update(row({ 4: 1, [SUM]: 1e9 }));
    assert.deepEqual([...harness.sink.histograms.values()], [{ counts: counts({ 4: 6 }), sum: 6 }]);
  });

  it('of processes that found no room are the host’s, as overflow', () => {
    const harness = createHarness();
    new WakeupSums(harness).update(row({ 1: 7, [SUM]: 1e9 }, true));
    assert.deepEqual([...harness.sink.histograms.keys()], [`${NAME} host otel.metric.overflow=true`]);
  });

  it('tell nothing when off', () => {
    const harness = createHarness({ off: [METRIC_TCP_WAKEUP_DURATION] });
    new WakeupSums(harness).update(row({ 1: 7, [SUM]: 1e9 }));
    assert.equal(harness.sink.calls, 0);
  });
});
