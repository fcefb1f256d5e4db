import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRICS } from '../../../../semconv/index.ts';
import type { MapImage } from '../../../../receiver/model/map-image.ts';
import { cellsOf, mapImage, sparse, stateKey } from '../../../fixtures/records/write-rows.ts';
import { createHarness, NGINX } from '../../../support/sums-harness.ts';
import { StateSums, setConnectionStates } from '../../../../receiver/signals/state/sums.ts';

describe('StateSums', () => {
  const FIN_WAIT_2 = 5;
  const key = stateKey(NGINX, FIN_WAIT_2, 2);

  it('are histograms in seconds, by state and role', () => {
    const harness = createHarness();
    const counts = Array.from({ length: 20 }, (_, i) => i + 1);
    new StateSums(harness).update(
      mapImage([
        [key, cellsOf([...counts, 60_000_000_000])],
        [stateKey(NGINX, 10, 0), cellsOf([1, ...new Array<number>(19).fill(0), 5])],
        [stateKey(NGINX, 99, 1), cellsOf([1, ...new Array<number>(19).fill(0), 5])],
      ]),
    );
    const name = 'wirespan.tcp.state.duration w10 network.connection.state';
    assert.deepEqual(Object.fromEntries(harness.sink.histograms), {
      [`${name}=fin_wait_2 wirespan.tcp.handshake.role=server`]: { counts, sum: 60 },
      [`${name}=listen`]: { counts: [1, ...new Array<number>(19).fill(0)], sum: 5e-9 },
    });
  });

  it('add what was gained, and start over after a row was forgotten', () => {
    const harness = createHarness();
    const sums = new StateSums(harness);
    const row = (count: number): MapImage => mapImage([[key, sparse(21, { 3: count, 20: count * 1e9 })]]);
    for (const count of [2, 2, 5]) sums.update(row(count));
    sums.forget(Buffer.from(key).toString('latin1'));
    sums.update(row(1));
    const [histogram] = [...harness.sink.histograms.values()];
    assert.deepEqual([histogram?.counts[3], histogram?.sum], [6, 6]);
  });
});

describe('setConnectionStates', () => {
  it('names the states and puts the two kinds of SYN_RECV together', () => {
    const harness = createHarness();
    setConnectionStates(harness, [1000, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const name = 'system.network.connection.count host network.connection.state';
    assert.deepEqual(Object.fromEntries(harness.sink.gauges), {
      [`${name}=established network.transport=tcp`]: 1,
      [`${name}=syn_sent network.transport=tcp`]: 2,
      [`${name}=syn_received network.transport=tcp`]: 3 + 12,
      [`${name}=fin_wait_1 network.transport=tcp`]: 4,
      [`${name}=fin_wait_2 network.transport=tcp`]: 5,
      [`${name}=time_wait network.transport=tcp`]: 6,
      [`${name}=closed network.transport=tcp`]: 7,
      [`${name}=close_wait network.transport=tcp`]: 8,
      [`${name}=last_ack network.transport=tcp`]: 9,
      [`${name}=listen network.transport=tcp`]: 10,
      [`${name}=closing network.transport=tcp`]: 11,
    });
  });

  it('tells nothing when off', () => {
    const harness = createHarness({ off: METRICS });
    setConnectionStates(harness, [0, 1]);
    assert.equal(harness.sink.calls, 0);
  });
});
