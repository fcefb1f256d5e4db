import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ATTR_PEER_CIDR, METRIC_TCP_IO } from '../../../../semconv/index.ts';
import { mapImage, SERIES_CELLS, seriesKey, seriesValue } from '../../../fixtures/records/write-rows.ts';
import {
  CLIENT,
  CLIENT_SERIES,
  collect,
  createHarness,
  one,
  type Harness,
} from '../../../support/sums-harness.ts';

const C = SERIES_CELLS;
const CELLS = { [C.touched]: 1, [C.bytesSent]: 10, [C.bytesReceived]: 20 };
const SUBNETS = ['192.0.2.0/24', '2001:db8::/32'];

/** One row in each subnet, one in none, and one with an index that nobody configured. */
function collectAll(given: Parameters<typeof createHarness>[0]): Harness {
  const harness = createHarness(given);
  collect(
    harness,
    mapImage([1, 2, 0, 9].map((cidr) => [seriesKey({ ...CLIENT, cidr }), seriesValue(CELLS)])),
  );
  return harness;
}

describe('bytes by subnet', () => {
  it('are on the host, the rest as other', () => {
    const { sink } = collectAll({ subnets: SUBNETS, off: [METRIC_TCP_IO] });
    const series = (direction: string, cidr: string): string =>
      `wirespan.tcp.subnet.io host network.io.direction=${direction} wirespan.peer.cidr=${cidr}`;
    assert.deepEqual(Object.fromEntries(sink.sums), {
      [series('transmit', '192.0.2.0/24')]: 10,
      [series('receive', '192.0.2.0/24')]: 20,
      [series('transmit', '2001:db8::/32')]: 10,
      [series('receive', '2001:db8::/32')]: 20,
      [series('transmit', 'other')]: 20,
      [series('receive', 'other')]: 40,
    });
  });

  it('are not told without subnets', () => {
    const { sink } = collectAll({});
    assert.equal(sink.total('subnet.io'), 0);
    assert.equal(sink.total('wirespan.tcp.io'), 4 * 30);
  });

  it('show on connection metrics only when that is asked for', () => {
    assert.equal(collectAll({ subnets: SUBNETS }).sink.total('wirespan.tcp.io', 'peer.cidr'), 0);
    const harness = createHarness({ subnets: SUBNETS, optIn: [ATTR_PEER_CIDR] });
    collect(harness, one({ ...CLIENT, cidr: 1 }, CELLS));
    const series = `wirespan.tcp.io w10 network.io.direction=receive server.port=443 wirespan.peer.cidr=192.0.2.0/24 ${CLIENT_SERIES.split(' ')[1]}`;
    assert.equal(harness.sink.sums.get(series), 20);
  });
});
