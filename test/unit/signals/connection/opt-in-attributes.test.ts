import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConnectionSums } from '../../../../receiver/signals/connection/sums.ts';
import { DropSums } from '../../../../receiver/signals/drop/sums.ts';
import { StateSums } from '../../../../receiver/signals/state/sums.ts';
import { ListenerSums } from '../../../../receiver/signals/listener/sums.ts';
import { ResetSums } from '../../../../receiver/signals/reset/sums.ts';
import type { MapImage } from '../../../../receiver/model/map-image.ts';
import {
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_PEER_CIDR,
} from '../../../../semconv/index.ts';
import {
  cellsOf,
  dropKey,
  LISTENER_CELLS,
  listenerKey,
  mapImage,
  resetKey,
  SERIES_CELLS,
  seriesKey,
  seriesValue,
  sparse,
  stateKey,
  type SeriesKeyFields,
} from '../../../fixtures/records/write-rows.ts';
import { CLIENT, createHarness, dropDetails, NGINX, type Harness } from '../../../support/sums-harness.ts';

const C = SERIES_CELLS;
const ESTABLISHED = 1;
const FIN_WAIT_1 = 4;
const RETRANSMITS = 'wirespan.tcp.retransmits';
const FAST = 0;
const SYN_ACK = 4;

function retransmitsOf({ sink }: Harness): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [series, count] of sink.sums) {
    if (!series.startsWith(RETRANSMITS)) continue;
    const state = /network\.connection\.state=(\S+)/.exec(series)?.[1] ?? 'no state';
    const type = /retransmit\.type=(\S+)/.exec(series)?.[1] ?? '';
    found[`${type} ${state}`] = (found[`${type} ${state}`] ?? 0) + count;
  }
  return found;
}

describe('retransmits by state', () => {
  /** Rows of one workload, as the kernel's map holds them: state, then cells. */
  function image(...rows: readonly (readonly [number, Record<number, number>])[]): MapImage {
    return mapImage(
      rows.map(([state, cells], i) => [
        seriesKey({ ...CLIENT, state } satisfies SeriesKeyFields),
        seriesValue({ ...cells, [C.touched]: i + 1 + (cells[C.touched] ?? 0) }),
      ]),
    );
  }
  const truth = (segments: number, touched: number): [number, Record<number, number>] => [
    0,
    { [C.segmentsRetransmitted]: segments, [C.touched]: touched },
  ];
  const fast = (state: number, count: number, touched: number): [number, Record<number, number>] => [
    state,
    { [C.retransmits + FAST]: count, [C.touched]: touched },
  ];
  const create = () => createHarness({ optIn: [ATTR_NETWORK_CONNECTION_STATE] });

  it('adds up to what the sockets counted, each segment once', () => {
    const harness = create();
    const sums = new ConnectionSums(harness);
    sums.update(image(truth(9, 1), fast(ESTABLISHED, 5, 1), fast(FIN_WAIT_1, 2, 1)));
    sums.update(image(truth(9, 1), fast(ESTABLISHED, 5, 1), fast(FIN_WAIT_1, 2, 1)));
    assert.deepEqual(retransmitsOf(harness), {
      'fast established': 5,
      'fast fin_wait_1': 2,
      'other no state': 2,
    });
  });

  it('takes no segment for unexplained whose event was counted after its row was read', () => {
    const harness = create();
    const sums = new ConnectionSums(harness);
    // The row by state was read before the retransmission, the socket's figure after it.
    sums.update(image(fast(ESTABLISHED, 3, 1), truth(4, 1)));
    sums.update(image(fast(ESTABLISHED, 4, 2), truth(4, 1)));
    sums.update(image(fast(ESTABLISHED, 4, 2), truth(4, 1)));
    assert.deepEqual(retransmitsOf(harness), { 'fast established': 4 });
  });

  it('tells what no event explained when the last row goes', () => {
    const harness = create();
    const sums = new ConnectionSums(harness);
    const rows = image(truth(6, 1), fast(ESTABLISHED, 2, 1));
    sums.update(rows, true);
    for (const state of [0, ESTABLISHED])
      sums.forget(Buffer.from(seriesKey({ ...CLIENT, state })).toString('latin1'));
    assert.deepEqual(retransmitsOf(harness), { 'fast established': 2, 'other no state': 4 });
    sums.update(image(truth(1, 1)));
    sums.update(image(truth(1, 1)));
    assert.equal(retransmitsOf(harness)['other no state'], 5, 'it began anew');
  });

  it('leaves SYN-ACKs out of what sockets counted', () => {
    const harness = create();
    const sums = new ConnectionSums(harness);
    const synAcks: [number, Record<number, number>] = [12, { [C.retransmits + SYN_ACK]: 3 }];
    for (let i = 0; i < 2; i += 1) sums.update(image(truth(2, 1), synAcks));
    assert.deepEqual(retransmitsOf(harness), { 'syn_ack syn_received': 3, 'other no state': 2 });
  });
});

describe('addresses of connections', () => {
  const io = { [C.touched]: 1, [C.bytesSent]: 5 };
  const key = { ...CLIENT, peer: [192, 0, 2, 1], server: [192, 0, 2, 9] };
  const addressesOf = (harness: Harness): string[] =>
    [...harness.sink.sums.keys()].flatMap((series) => series.match(/\S+\.address=\S+/g) ?? []);

  it('are of the peer and of the server', () => {
    const harness = createHarness({ optIn: [ATTR_NETWORK_PEER_ADDRESS] });
    new ConnectionSums(harness).update(mapImage([[seriesKey(key), seriesValue(io)]]));
    assert.deepEqual(addressesOf(harness), ['network.peer.address=192.0.2.1', 'server.address=192.0.2.9']);
  });

  it('leave as the settings say', () => {
    const prefix = { ...createHarness({ optIn: [ATTR_NETWORK_PEER_ADDRESS] }), mask: () => '192.0.2.0' };
    new ConnectionSums(prefix).update(mapImage([[seriesKey(key), seriesValue(io)]]));
    assert.deepEqual(addressesOf(prefix), ['network.peer.address=192.0.2.0', 'server.address=192.0.2.0']);
    const none = { ...createHarness({ optIn: [ATTR_NETWORK_PEER_ADDRESS] }), mask: () => undefined };
    new ConnectionSums(none).update(mapImage([[seriesKey(key), seriesValue(io)]]));
    assert.deepEqual([addressesOf(none), none.sink.sums.size], [[], 1]);
  });

  it('and subnets are on resets that a socket owns', () => {
    const harness = createHarness({ optIn: [ATTR_PEER_CIDR], subnets: ['192.0.2.0/24'] });
    const reset = { ...key, family: 4, cidr: 1 };
    new ResetSums(harness, () => undefined).update(
      mapImage([
        [resetKey(reset), cellsOf([3])],
        [resetKey({}), cellsOf([5])],
      ]),
    );
    assert.deepEqual(Object.fromEntries(harness.sink.sums), {
      'wirespan.tcp.resets w10 network.io.direction=transmit network.peer.address=192.0.2.1 server.address=192.0.2.9 server.port=443 wirespan.peer.cidr=192.0.2.0/24 wirespan.tcp.handshake.role=client': 3,
      'wirespan.tcp.resets host network.io.direction=transmit': 5,
    });
  });
});

describe('details of the rest', () => {
  it('listeners: where they listen, every address included', () => {
    const harness = createHarness();
    const sums = new ListenerSums(harness);
    const cells = sparse(LISTENER_CELLS.total, { [LISTENER_CELLS.pass]: 1, [LISTENER_CELLS.count]: 1 });
    sums.update(
      mapImage([
        [listenerKey(NGINX, 80, 4, [127, 0, 0, 1]), cells],
        [listenerKey(NGINX, 80, 6, []), cells],
        [listenerKey(NGINX, 81), cells],
      ]),
    );
    sums.setGauges(1);
    const counts = [...harness.sink.gauges].filter(([series]) => series.includes('listener.count'));
    assert.deepEqual(Object.fromEntries(counts), {
      'wirespan.tcp.listener.count w10 network.local.address=127.0.0.1 server.port=80': 1,
      'wirespan.tcp.listener.count w10 network.local.address=:: server.port=80': 1,
      'wirespan.tcp.listener.count w10 server.port=81': 1,
    });
  });

  it('state durations: the server’s port', () => {
    const harness = createHarness();
    const cells = sparse(21, { 0: 1, 20: 5 });
    new StateSums(harness).update(mapImage([[stateKey(NGINX, ESTABLISHED, 2, 8080), cells]]));
    assert.match([...harness.sink.histograms.keys()].join(), /server\.port=8080/);
  });

  it('drops: function, interface, state and port, each where it is known', () => {
    const harness = createHarness();
    const details = dropDetails(
      () => 'r',
      [
        [1, 0xabcn, 'eth0'],
        [2, 0n, ''],
      ],
    );
    new DropSums(harness, details).update(
      mapImage([
        [dropKey(NGINX, 1, 4, { state: ESTABLISHED, port: 443, site: 1 }), cellsOf([3])],
        [dropKey(NGINX, 1, 4, { site: 2 }), cellsOf([4])],
        [dropKey(NGINX, 1, 4, { site: 9 }), cellsOf([5])],
      ]),
    );
    const rest = 'network.transport=tcp network.type=ipv4';
    assert.deepEqual(Object.fromEntries(harness.sink.sums), {
      [`wirespan.packet.dropped w10 code.function.name=f_abc network.connection.state=established network.interface.name=eth0 ${rest} server.port=443 wirespan.packet.drop.reason=r`]: 3,
      [`wirespan.packet.dropped w10 ${rest} wirespan.packet.drop.reason=r`]: 9,
    });
  });
});
