import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  DropSums,
  setConnectionStates,
  SoftirqSums,
  StateSums,
} from '../../../receiver/signals/host-sums.ts';
import type { MapImage } from '../../../receiver/model/map-image.ts';
import { ATTR_CPU_LOGICAL_NUMBER, METRICS } from '../../../semconv/index.ts';
import { Image } from '../../fixtures/records/image.ts';
import { cellsOf, dropKey, mapImage, sparse, stateKey } from '../../fixtures/records/write-rows.ts';
import { createHarness, dropDetails, NGINX } from '../../support/sums-harness.ts';

const NOBODY = { startNs: 0n, pid: 0 };

describe('DropSums', () => {
  const reasonOf = (reason: number): string => ['', '', 'not_specified'][reason] ?? `reason_${reason}`;

  it('names reasons by the running kernel', () => {
    const harness = createHarness();
    const sums = new DropSums(harness, dropDetails(reasonOf));
    sums.update(
      mapImage([
        [dropKey(NGINX, 16, 4), cellsOf([3])],
        [dropKey(NOBODY, 2, 6), cellsOf([4])],
        [dropKey(NOBODY, 250, 4), cellsOf([5])],
      ]),
    );
    const tcp = 'network.transport=tcp';
    assert.deepEqual(Object.fromEntries(harness.sink.sums), {
      [`wirespan.packet.dropped w10 ${tcp} network.type=ipv4 wirespan.packet.drop.reason=reason_16`]: 3,
      [`wirespan.packet.dropped host ${tcp} network.type=ipv6 wirespan.packet.drop.reason=not_specified`]: 4,
      [`wirespan.packet.dropped host ${tcp} network.type=ipv4 wirespan.packet.drop.reason=reason_250`]: 5,
    });
  });

  it('adds what was gained, whatever order the rows come in', () => {
    const harness = createHarness();
    const sums = new DropSums(harness, dropDetails(reasonOf));
    const a = dropKey(NGINX, 16, 4);
    const b = dropKey(NGINX, 2, 4);
    sums.update(
      mapImage([
        [a, cellsOf([3])],
        [b, cellsOf([10])],
      ]),
    );
    sums.update(
      mapImage([
        [b, cellsOf([11])],
        [a, cellsOf([3])],
      ]),
    );
    sums.update(mapImage([[a, cellsOf([8])]]));
    assert.equal(harness.sink.total('reason_16'), 8);
    assert.equal(harness.sink.total('not_specified'), 11);
  });

  it('counts a row that went and came back from zero', () => {
    const harness = createHarness();
    const sums = new DropSums(harness, dropDetails(reasonOf));
    const key = dropKey(NGINX, 16, 4);
    sums.update(mapImage([[key, cellsOf([6])]]));
    sums.forget(Buffer.from(key).toString('latin1'));
    sums.update(mapImage([[key, cellsOf([2])]]));
    assert.equal(harness.sink.total('dropped'), 8);
  });

  it('tells nothing when off', () => {
    const harness = createHarness({ off: METRICS });
    new DropSums(harness, dropDetails(reasonOf)).update(mapImage([[dropKey(NGINX, 16, 4), cellsOf([6])]]));
    assert.equal(harness.sink.calls, 0);
  });
});

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

describe('SoftirqSums', () => {
  const NET_RX = 3;
  const TIMER = 1;

  /** A per-CPU array: for each vector the rows of two CPUs, 42 cells each. */
  function vectors(
    ...given: readonly (readonly [vector: number, cpu0: number[], cpu1: number[]])[]
  ): MapImage {
    return mapImage(
      given.map(([vector, cpu0, cpu1]) => {
        const cells = new Array<number>(84).fill(0);
        for (const [cpu, [time = 0, bucket = 0, sum = 0, waits = 0]] of [cpu0, cpu1].entries()) {
          cells[cpu * 42] = 999;
          cells[cpu * 42 + 1] = time;
          cells[cpu * 42 + 3 + 2] = bucket;
          cells[cpu * 42 + 3 + 18] = sum;
          cells[cpu * 42 + 23 + 1] = waits;
          cells[cpu * 42 + 23 + 18] = waits * 1e3;
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
