import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ListenerSums } from '../../../../receiver/signals/listener/sums.ts';
import type { MapImage } from '../../../../receiver/model/map-image.ts';
import { METRICS } from '../../../../semconv/index.ts';
import { LISTENER_CELLS, listenerKey, mapImage, sparse } from '../../../fixtures/records/write-rows.ts';
import { createHarness, NGINX } from '../../../support/sums-harness.ts';

const L = LISTENER_CELLS;

function row(cells: Record<number, number>, family = 4): MapImage {
  return mapImage([[listenerKey(NGINX, 8080, family), sparse(L.total, cells)]]);
}

describe('ListenerSums', () => {
  it('sets the gauges of the last pass', () => {
    const harness = createHarness();
    const sums = new ListenerSums(harness);
    sums.update(row({ [L.pass]: 7, [L.count]: 2, [L.usage]: 3, [L.limit]: 1024 }));
    sums.setGauges(7);
    assert.deepEqual(Object.fromEntries(harness.sink.gauges), {
      'wirespan.tcp.listener.count w10 server.port=8080': 2,
      'wirespan.tcp.accept_queue.usage w10 server.port=8080': 3,
      'wirespan.tcp.accept_queue.limit w10 server.port=8080': 1024,
    });
  });

  it('sets none of a listener that the last pass did not meet', () => {
    const harness = createHarness();
    const sums = new ListenerSums(harness);
    sums.update(row({ [L.pass]: 7, [L.count]: 2 }));
    sums.setGauges(8);
    assert.equal(harness.sink.gauges.size, 0);
  });

  it('keeps what was refused until its cause is known', () => {
    const sums = new ListenerSums(createHarness());
    for (const drops of [3, 3, 10]) sums.update(row({ [L.drops]: drops }, 6));
    assert.deepEqual(
      [...sums.rows.values()].map(({ refused }) => refused),
      [10],
    );
  });

  it('turns parts per million into a ratio and nanoseconds into seconds', () => {
    const harness = createHarness();
    const cells: Record<number, number> = { [L.utilizationSum]: 1_750_000, [L.acceptWaitSum]: 2_500_000_000 };
    const utilization = Array.from({ length: 10 }, (_, i) => i + 1);
    const wait = Array.from({ length: 17 }, (_, i) => 20 + i);
    for (const [i, count] of utilization.entries()) cells[L.utilization + i] = count;
    for (const [i, count] of wait.entries()) cells[L.acceptWait + i] = count;
    new ListenerSums(harness).update(row(cells));
    assert.deepEqual(Object.fromEntries(harness.sink.histograms), {
      'wirespan.tcp.accept_queue.utilization w10 server.port=8080': { counts: utilization, sum: 1.75 },
      'wirespan.tcp.accept_queue.duration w10 server.port=8080': { counts: wait, sum: 2.5 },
    });
  });

  it('counts a row that went and came back from zero', () => {
    const harness = createHarness();
    const sums = new ListenerSums(harness);
    for (const drops of [5, 2]) {
      sums.update(row({ [L.drops]: drops }));
      for (const id of [...sums.rows.keys()]) sums.forget(id);
    }
    assert.equal(sums.rows.size, 0);
    assert.deepEqual(
      sums.takeRows().map(({ refused }) => refused),
      [5, 2],
    );
    assert.deepEqual(sums.takeRows(), []);
  });

  it('keeps a bounded number of rows that went until they are settled, and says so', () => {
    const sums = new ListenerSums(createHarness());
    for (let port = 1; port <= 1_024 + 3; port += 1) {
      sums.update(mapImage([[listenerKey(NGINX, port), sparse(L.total, { [L.drops]: 1 })]]));
      for (const id of [...sums.rows.keys()]) sums.forget(id);
    }
    assert.deepEqual([sums.takeRows().length, sums.unsettled], [1_024, 3]);
  });

  it('tells nothing that is off', () => {
    const harness = createHarness({ off: METRICS });
    const sums = new ListenerSums(harness);
    sums.update(row({ [L.pass]: 1, [L.count]: 1, [L.drops]: 1, [L.utilization]: 1, [L.acceptWait]: 1 }));
    sums.setGauges(1);
    assert.equal(harness.sink.calls, 0);
  });

  it('knows which listeners are open', () => {
    const sums = new ListenerSums(createHarness());
    sums.update(row({ [L.pass]: 0, [L.acceptWait]: 1 }));
    const [only] = [...sums.rows.values()];
    assert.ok(only);
    assert.equal(sums.isOpen(only), false, 'never met by a pass');
    sums.update(row({ [L.pass]: 4, [L.acceptWait]: 1 }));
    sums.setGauges(4);
    assert.equal(sums.isOpen(only), true);
    sums.setGauges(5);
    assert.equal(sums.isOpen(only), false);
  });
});
