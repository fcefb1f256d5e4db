import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReceiveWaits } from '../../../../receiver/signals/receive/sums.ts';
import type { MapImage } from '../../../../receiver/model/map-image.ts';
import { METRIC_TCP_RECEIVE_QUEUE_DURATION } from '../../../../semconv/index.ts';
import { Image } from '../../../fixtures/records/image.ts';
import { mapImage, seriesKey } from '../../../fixtures/records/write-rows.ts';
import { CLIENT, CLIENT_SERIES, createHarness } from '../../../support/sums-harness.ts';

const NAME = 'wirespan.tcp.receive_queue.duration';
const BUCKETS = 17;
const SUM = 17;

/** `struct receive_sums`. */
function waits(cells: Readonly<Record<number, number>>): Uint8Array {
  const image = new Image(144);
  for (const [cell, value] of Object.entries(cells)) image.u64(8 * Number(cell), value);
  return image.bytes;
}

function row(key: Parameters<typeof seriesKey>[0], cells: Readonly<Record<number, number>>): MapImage {
  return mapImage([[seriesKey(key), waits(cells)]]);
}

function counts(given: Readonly<Record<number, number>>): number[] {
  return Array.from({ length: BUCKETS }, (_, bucket) => given[bucket] ?? 0);
}

describe('ReceiveWaits', () => {
  it('are histograms in seconds on the process that reads', () => {
    const harness = createHarness();
    new ReceiveWaits(harness).update(row(CLIENT, { 0: 3, 16: 2, [SUM]: 25_000_000_000 }));
    assert.deepEqual(Object.fromEntries(harness.sink.histograms), {
      [`${NAME} w10 ${CLIENT_SERIES}`]: { counts: counts({ 0: 3, 16: 2 }), sum: 25 },
    });
  });

  it('add what was gained, and start over after a row was forgotten', () => {
    const harness = createHarness();
    const sums = new ReceiveWaits(harness);
    for (const count of [2, 2, 5]) sums.update(row(CLIENT, { 4: count, [SUM]: count * 1e9 }));
    sums.forget(Buffer.from(seriesKey(CLIENT)).toString('latin1'));
    sums.update(row(CLIENT, { 4: 1, [SUM]: 1e9 }));
    assert.deepEqual([...harness.sink.histograms.values()], [{ counts: counts({ 4: 6 }), sum: 6 }]);
  });

  it('of rows that found no room are the host’s, as overflow', () => {
    const harness = createHarness();
    new ReceiveWaits(harness).update(row({ overflow: 1 }, { 1: 7, [SUM]: 1e9 }));
    assert.deepEqual([...harness.sink.histograms.keys()], [`${NAME} host otel.metric.overflow=true`]);
  });

  it('tell nothing when off', () => {
    const harness = createHarness({ off: [METRIC_TCP_RECEIVE_QUEUE_DURATION] });
    new ReceiveWaits(harness).update(row(CLIENT, { 1: 7, [SUM]: 1e9 }));
    assert.equal(harness.sink.calls, 0);
  });
});
