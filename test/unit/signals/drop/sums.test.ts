import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRICS } from '../../../../semconv/index.ts';
import { cellsOf, dropKey, mapImage } from '../../../fixtures/records/write-rows.ts';
import { createHarness, dropDetails, NGINX } from '../../../support/sums-harness.ts';
import { DropSums } from '../../../../receiver/signals/drop/sums.ts';

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
