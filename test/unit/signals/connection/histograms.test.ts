import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MapImage } from '../../../../receiver/model/map-image.ts';
import { METRIC_TCP_CONNECTION_ACTIVE } from '../../../../semconv/index.ts';
import { SERIES_BUCKETS, SERIES_CELLS } from '../../../fixtures/records/write-rows.ts';
import { CLIENT, CLIENT_SERIES, collect, createHarness, one } from '../../../support/sums-harness.ts';

const C = SERIES_CELLS;

describe('connection histograms', () => {
  const HISTOGRAMS = [
    ['handshake', C.handshake, `wirespan.tcp.handshake.duration w10 network.type=ipv4 ${CLIENT_SERIES}`, 1e9],
    ['duration', C.duration, `wirespan.tcp.connection.duration w10 ${CLIENT_SERIES}`, 1e9],
    ['rtt', C.rtt, `wirespan.tcp.rtt w10 ${CLIENT_SERIES}`, 1e9],
    ['rttVariation', C.rttVariation, `wirespan.tcp.rtt_variation w10 ${CLIENT_SERIES}`, 1e9],
    [
      'sizeSent',
      C.sizeSent,
      `wirespan.tcp.connection.transfer.size w10 network.io.direction=transmit ${CLIENT_SERIES}`,
      1,
    ],
    [
      'sizeReceived',
      C.sizeReceived,
      `wirespan.tcp.connection.transfer.size w10 network.io.direction=receive ${CLIENT_SERIES}`,
      1,
    ],
  ] as const;

  for (const [name, from, series, unit] of HISTOGRAMS) {
    it(`${name}: each bucket in its place, the sum in the metric's unit`, () => {
      const harness = createHarness();
      const buckets = SERIES_BUCKETS[name];
      const counts = Array.from({ length: buckets }, (_, i) => i + 1);
      const cells: Record<number, number> = { [C.touched]: 1, [from + buckets]: 2_500_000_000 };
      for (const [i, count] of counts.entries()) cells[from + i] = count;
      collect(harness, one(CLIENT, cells));
      assert.deepEqual([...harness.sink.histograms], [[series, { counts, sum: 2_500_000_000 / unit }]]);
    });
  }

  it('keep a sum that came after its bucket was read', () => {
    const harness = createHarness();
    const sum = C.rtt + SERIES_BUCKETS.rtt;
    collect(
      harness,
      one(CLIENT, { [C.touched]: 1, [C.rtt]: 1 }),
      one(CLIENT, { [C.touched]: 2, [C.rtt]: 1, [sum]: 3e9 }),
      one(CLIENT, { [C.touched]: 3, [C.rtt]: 2, [sum]: 7e9 }),
    );
    assert.deepEqual(
      [...harness.sink.histograms.values()],
      [{ counts: [2, ...new Array<number>(15).fill(0)], sum: 7 }],
    );
  });
});

describe('active connections', () => {
  const at = (pass: number, active: number): MapImage =>
    one(CLIENT, { [C.touched]: 1, [C.opened]: 9, [C.active]: active, [C.activePass]: pass });
  const series = `wirespan.tcp.connection.active w10 ${CLIENT_SERIES}`;

  it('are those of the last pass', () => {
    const harness = createHarness();
    const sums = collect(harness, at(4, 6));
    sums.setGauges(4);
    assert.deepEqual([...harness.sink.gauges], [[series, 6]]);
  });

  it('are none when the last pass did not meet the row', () => {
    const harness = createHarness();
    const sums = collect(harness, at(4, 6));
    sums.setGauges(5);
    assert.deepEqual([...harness.sink.gauges], [[series, 0]]);
  });

  it('are seen to change though nothing else did', () => {
    const harness = createHarness();
    const sums = collect(harness, at(4, 6), at(5, 2));
    sums.setGauges(5);
    assert.deepEqual([...harness.sink.gauges.values()], [2]);
  });

  it('are not told of a row that never had any', () => {
    const harness = createHarness();
    const sums = collect(harness, one(CLIENT, { [C.touched]: 1, [C.retransmits + 3]: 1 }));
    sums.setGauges(1);
    assert.equal(harness.sink.gauges.size, 0);
  });

  it('are not told when off, but are still known to the sweep', () => {
    const harness = createHarness({ off: [METRIC_TCP_CONNECTION_ACTIVE] });
    const sums = collect(harness, at(4, 6));
    const [row] = [...sums.rows.values()];
    assert.ok(row);
    sums.setGauges(4);
    assert.equal(harness.sink.gauges.size, 0);
    assert.equal(sums.isActive(row), true);
    sums.setGauges(5);
    assert.equal(sums.isActive(row), false);
  });
});
