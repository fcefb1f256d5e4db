import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ATTR_NETWORK_PEER_ADDRESS, ATTR_NETWORK_TYPE } from '../../../../semconv/index.ts';
import { mapImage, SERIES_CELLS, seriesKey, seriesValue } from '../../../fixtures/records/write-rows.ts';
import { CLIENT, CLIENT_SERIES, collect, createHarness, NGINX, one } from '../../../support/sums-harness.ts';

const C = SERIES_CELLS;

describe('connection rows', () => {
  const opened = { [C.touched]: 1, [C.opened]: 1 };

  it('carry server port and role only when the role is known', () => {
    const harness = createHarness();
    const sums = collect(
      harness,
      mapImage([
        [seriesKey({ owner: NGINX, role: 2, serverPort: 80 }), seriesValue(opened)],
        [seriesKey({ owner: NGINX, role: 0, serverPort: 81 }), seriesValue(opened)],
        [seriesKey({ role: 1, serverPort: 82, family: 6 }), seriesValue(opened)],
      ]),
    );
    assert.deepEqual(
      [...harness.sink.sums.keys()],
      [
        'wirespan.tcp.connection.opened w10 network.type=ipv4 server.port=80 wirespan.tcp.handshake.role=server',
        'wirespan.tcp.connection.opened w10 network.type=ipv4',
        'wirespan.tcp.connection.opened host network.type=ipv6 server.port=82 wirespan.tcp.handshake.role=client',
      ],
    );
    assert.deepEqual(
      [...sums.rows.values()].map(({ role, serverPort, owner }) => [role, serverPort, owner.pid]),
      [
        ['server', 80, 10],
        [undefined, 81, 10],
        ['client', 82, 0],
      ],
    );
  });

  it('of failures carry their error, and are no connections', () => {
    const harness = createHarness();
    const sums = collect(
      harness,
      one({ ...CLIENT, error: 111 }, { ...opened, [C.handshake]: 1, [C.active]: 4, [C.activePass]: 3 }),
    );
    assert.deepEqual(
      [...harness.sink.sums.keys()],
      [`wirespan.tcp.connection.opened w10 error.type=connection_refused network.type=ipv4 ${CLIENT_SERIES}`],
    );
    assert.deepEqual(
      [...harness.sink.histograms.keys()],
      [
        `wirespan.tcp.handshake.duration w10 error.type=connection_refused network.type=ipv4 ${CLIENT_SERIES}`,
      ],
    );
    sums.setGauges(3);
    assert.equal(harness.sink.gauges.size, 0);
    assert.deepEqual(
      [...sums.rows.values()].map(({ isFailure }) => isFailure),
      [true],
    );
  });

  it('that overflowed are one, on the host, and marked', () => {
    const harness = createHarness({ optIn: [ATTR_NETWORK_TYPE, ATTR_NETWORK_PEER_ADDRESS] });
    const sums = collect(
      harness,
      one({ overflow: 1, family: 0 }, { ...opened, [C.bytesSent]: 8, [C.active]: 2, [C.activePass]: 1 }),
    );
    sums.setGauges(1);
    assert.deepEqual(Object.fromEntries(harness.sink.sums), {
      'wirespan.tcp.connection.opened host otel.metric.overflow=true': 1,
      'wirespan.tcp.io host network.io.direction=transmit otel.metric.overflow=true': 8,
    });
    assert.deepEqual(Object.fromEntries(harness.sink.gauges), {
      'wirespan.tcp.connection.active host otel.metric.overflow=true': 2,
    });
  });

  it('that overflowed are their owner’s, when they say so', () => {
    const harness = createHarness();
    collect(harness, one({ owner: NGINX, overflow: 1, family: 0 }, opened));
    assert.deepEqual(Object.fromEntries(harness.sink.sums), {
      'wirespan.tcp.connection.opened w10 otel.metric.overflow=true': 1,
    });
  });

  const peerKey = { ...CLIENT, peer: [192, 0, 2, 1] };
  const io = { [C.touched]: 1, [C.bytesSent]: 5 };

  it('hide the peer address unless it is asked for', () => {
    const harness = createHarness();
    const sums = collect(harness, one(peerKey, io));
    assert.deepEqual(
      [...harness.sink.sums.keys()],
      [`wirespan.tcp.io w10 network.io.direction=transmit ${CLIENT_SERIES}`],
    );
    assert.deepEqual(
      [...sums.rows.values()].map(({ peerAddress }) => peerAddress),
      ['192.0.2.1'],
    );
  });

  it('show peer address and network type when they are asked for', () => {
    const harness = createHarness({ optIn: [ATTR_NETWORK_PEER_ADDRESS, ATTR_NETWORK_TYPE] });
    const v6 = { ...CLIENT, family: 6, peer: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] };
    collect(
      harness,
      mapImage([
        [seriesKey(peerKey), seriesValue(io)],
        [seriesKey(v6), seriesValue(io)],
        [seriesKey(CLIENT), seriesValue(io)],
      ]),
    );
    const direction = 'network.io.direction=transmit';
    assert.deepEqual(
      [...harness.sink.sums.keys()],
      [
        `wirespan.tcp.io w10 ${direction} network.peer.address=192.0.2.1 network.type=ipv4 ${CLIENT_SERIES}`,
        `wirespan.tcp.io w10 ${direction} network.peer.address=2001:db8::1 network.type=ipv6 ${CLIENT_SERIES}`,
        `wirespan.tcp.io w10 ${direction} network.type=ipv4 ${CLIENT_SERIES}`,
      ],
    );
  });

  it('of several peers are one series where peers are hidden', () => {
    const harness = createHarness();
    const other = { ...peerKey, peer: [192, 0, 2, 2] };
    const cells = { ...io, [C.opened]: 1, [C.active]: 1, [C.activePass]: 1 };
    const sums = collect(
      harness,
      mapImage([
        [seriesKey(peerKey), seriesValue(cells)],
        [seriesKey(other), seriesValue(cells)],
      ]),
    );
    sums.setGauges(1);
    assert.equal(harness.sink.total('wirespan.tcp.io'), 10);
    assert.deepEqual([...harness.sink.gauges.values()], [2]);
  });
});
