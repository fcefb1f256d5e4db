import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ResetSums } from '../../../../receiver/signals/reset/sums.ts';
import type { MapImage } from '../../../../receiver/model/map-image.ts';
import { ATTR_NETWORK_TYPE, ATTR_TCP_RESET_REASON, METRICS } from '../../../../semconv/index.ts';
import { cellsOf, mapImage, resetKey, type ResetKeyFields } from '../../../fixtures/records/write-rows.ts';
import { createHarness, NGINX } from '../../../support/sums-harness.ts';

const reasonOf = (reason: number): string | undefined => (reason === 0 ? undefined : `reason_${reason}`);
const SERVER = { owner: NGINX, serverPort: 80, role: 2, family: 4, reason: 7 };

function rows(...given: readonly (readonly [ResetKeyFields, number])[]): MapImage {
  return mapImage(given.map(([key, count]) => [resetKey(key), cellsOf([count])]));
}

describe('ResetSums', () => {
  it('tells direction, role and port, on the owner or the host', () => {
    const harness = createHarness();
    new ResetSums(harness, reasonOf).update(rows([SERVER, 3], [{ ...SERVER, received: 1 }, 4], [{}, 5]));
    const server = 'server.port=80 wirespan.tcp.handshake.role=server';
    assert.deepEqual(Object.fromEntries(harness.sink.sums), {
      [`wirespan.tcp.resets w10 network.io.direction=transmit ${server}`]: 3,
      [`wirespan.tcp.resets w10 network.io.direction=receive ${server}`]: 4,
      'wirespan.tcp.resets host network.io.direction=transmit': 5,
    });
  });

  it('tells reason and network type when they are asked for and known', () => {
    const harness = createHarness({ optIn: [ATTR_NETWORK_TYPE, ATTR_TCP_RESET_REASON] });
    new ResetSums(harness, reasonOf).update(rows([{ ...SERVER, family: 6 }, 3], [{}, 5]));
    assert.deepEqual(Object.fromEntries(harness.sink.sums), {
      'wirespan.tcp.resets w10 network.io.direction=transmit network.type=ipv6 server.port=80 wirespan.tcp.handshake.role=server wirespan.tcp.reset.reason=reason_7': 3,
      'wirespan.tcp.resets host network.io.direction=transmit': 5,
    });
  });

  it('adds up rows that differ in a hidden reason only', () => {
    const harness = createHarness();
    new ResetSums(harness, reasonOf).update(rows([SERVER, 3], [{ ...SERVER, reason: 8 }, 4]));
    assert.deepEqual([...harness.sink.sums.values()], [7]);
  });

  it('adds what was gained, and starts over after a row was forgotten', () => {
    const harness = createHarness();
    const sums = new ResetSums(harness, reasonOf);
    for (const count of [3, 3, 8]) sums.update(rows([SERVER, count]));
    sums.forget(Buffer.from(resetKey(SERVER)).toString('latin1'));
    sums.update(rows([SERVER, 2]));
    assert.equal(harness.sink.total('resets'), 10);
  });

  it('tells nothing when off', () => {
    const harness = createHarness({ off: METRICS });
    new ResetSums(harness, reasonOf).update(rows([SERVER, 3]));
    assert.equal(harness.sink.calls, 0);
  });
});
