import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ExemplarStore } from '../../../receiver/aggregate/exemplars.ts';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { encodeMetrics } from '../../../receiver/export/metric-request.ts';
import { OPENED, OtlpTally } from '../../bench/soak/tally.ts';
import { find, walk } from '../../bench/soak/wire.ts';
import { counter, histogram, workload } from '../aggregate/descriptors.ts';

const opened = { ...counter, name: OPENED };
const usage = { ...counter, name: 'wirespan.agent.map.usage' };

describe('the sink of a soak', () => {
  it('adds up the last points of all series, and takes a request sent twice once', () => {
    const store = createMetricStore({ temporality: 'cumulative', startUnixNs: 0n });
    const exemplars = new ExemplarStore();
    const tally = new OtlpTally();
    const exportAll = (atNs: bigint): void => {
      const collected = store.collect(atNs);
      exemplars.attach(collected);
      for (const { bytes } of encodeMetrics(collected, { maxBytes: 1e6, maxPoints: 2 })) {
        tally.add('metrics', Buffer.from(bytes));
        tally.add('metrics', Buffer.from(bytes));
      }
    };
    for (const name of ['a', 'b', 'c'])
      for (const port of [80, 443]) store.add(opened, workload(name), { port }, 5);
    store.add(counter, workload('a'), {}, 1000);
    store.add(usage, workload('agent'), { 'wirespan.agent.map.name': 'series' }, 42);
    exportAll(1n);
    store.add(opened, workload('b'), { port: 80 }, 2 ** 33);
    store.addHistogram(histogram, workload('a'), {}, { counts: [1, 0, 0, 0], sum: 0 });
    exemplars.offer(histogram, workload('a'), {}, { time: [0, 2], value: 0.1 });
    exportAll(2n);
    const { totals, maps, exemplars: count } = tally.read();
    assert.deepEqual(totals, { [OPENED]: 30 + 2 ** 33 });
    assert.deepEqual(maps, { series: 42 });
    assert.equal(count, 2);
  });

  it('reads no further than the message', () => {
    const fields: number[] = [];
    walk(Buffer.from([0x08, 0x96, 0x01, 0x12, 0x01, 0x61]), (field, bytes, value) => {
      fields.push(field, bytes.length, value);
    });
    assert.deepEqual(fields, [1, 0, 150, 2, 1, 0]);
    assert.equal(find(Buffer.from([0x12, 0x01, 0x61]), 3).length, 0);
    assert.throws(() => walk(Buffer.from([0x12, 0x05, 0x61]), () => undefined), RangeError);
    assert.throws(() => walk(Buffer.from([0x08, 0x96]), () => undefined), RangeError);
  });
});
