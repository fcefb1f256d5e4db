import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MapImage } from '../../../../receiver/model/map-image.ts';
import { METRIC_TCP_CONNECTION_OPENED, METRIC_TCP_HANDSHAKE_DURATION } from '../../../../semconv/index.ts';
import { SERIES_CELLS } from '../../../fixtures/records/write-rows.ts';
import { CLIENT, CLIENT_SERIES, collect, createHarness, one } from '../../../support/sums-harness.ts';

const C = SERIES_CELLS;

describe('connection counters', () => {
  it('are every cell, under its name', () => {
    const harness = createHarness();
    const cells: Record<number, number> = { [C.touched]: 1, [C.opened]: 3, [C.segmentsRetransmitted]: 21 };
    for (let i = 0; i < 8; i += 1) cells[C.closed + i] = 10 + i;
    for (let i = 0; i < 6; i += 1) cells[C.retransmits + i] = i + 1;
    Object.assign(cells, {
      [C.bytesSent]: 100,
      [C.bytesReceived]: 200,
      [C.segmentsSent]: 30,
      [C.segmentsReceived]: 40,
    });
    collect(harness, one(CLIENT, cells));
    const close = (reason: string): string =>
      `wirespan.tcp.connection.closed w10 server.port=443 wirespan.tcp.close.reason=${reason} wirespan.tcp.handshake.role=client`;
    const moved = (what: string, direction: string): string =>
      `wirespan.tcp.${what} w10 network.io.direction=${direction} ${CLIENT_SERIES}`;
    const again = (type: string): string =>
      `wirespan.tcp.retransmits w10 ${CLIENT_SERIES} wirespan.tcp.retransmit.type=${type}`;
    assert.deepEqual(Object.fromEntries(harness.sink.sums), {
      [`wirespan.tcp.connection.opened w10 network.type=ipv4 ${CLIENT_SERIES}`]: 3,
      [close('local_fin')]: 10,
      [close('peer_fin')]: 11,
      [close('reset_sent')]: 12,
      [close('reset_received')]: 13,
      [close('timeout')]: 14,
      [close('process_exit')]: 15,
      [close('other')]: 16 + 17,
      [moved('io', 'transmit')]: 100,
      [moved('io', 'receive')]: 200,
      [moved('segments', 'transmit')]: 30,
      [moved('segments', 'receive')]: 40,
      [again('fast')]: 1,
      [again('timeout')]: 2,
      [again('tail_loss_probe')]: 3,
      [again('syn')]: 4,
      [again('syn_ack')]: 5,
      // Six by events, and what no event explained: 21 - (1 + 2 + 3 + 4 + 6).
      [again('other')]: 6 + 5,
    });
  });

  it('are told as what was gained, once', () => {
    const harness = createHarness();
    const row = (opened: number, touched: number): MapImage =>
      one(CLIENT, { [C.opened]: opened, [C.touched]: touched });
    const sums = collect(harness, row(5, 1), row(5, 1));
    assert.equal(harness.sink.total('opened'), 5);
    sums.update(row(12, 2));
    sums.update(row(12, 2));
    assert.equal(harness.sink.total('opened'), 12);
  });

  it('are exact beyond 32 bits', () => {
    const harness = createHarness();
    const sent = 2 ** 40 + 12345;
    collect(harness, one(CLIENT, { [C.touched]: 2 ** 50, [C.bytesSent]: sent }));
    assert.equal(harness.sink.total('wirespan.tcp.io'), sent);
  });

  it('are left alone in a row that nobody touched', () => {
    const harness = createHarness();
    const row = one(CLIENT, { [C.opened]: 5, [C.touched]: 1 });
    const sums = collect(harness, row, row);
    const { calls } = harness.sink;
    sums.update(row);
    assert.equal(harness.sink.calls, calls);
  });

  it('do not lose what a program adds behind its stamp', () => {
    const harness = createHarness();
    const sums = collect(harness, one(CLIENT, { [C.touched]: 7 }));
    sums.update(one(CLIENT, { [C.touched]: 7, [C.opened]: 1 }));
    assert.equal(harness.sink.total('opened'), 1);
  });

  it('are all read when it is the last time', () => {
    const harness = createHarness();
    const quiet = one(CLIENT, { [C.touched]: 7 });
    const sums = collect(harness, quiet, quiet, quiet);
    sums.update(one(CLIENT, { [C.touched]: 7, [C.opened]: 1 }), true);
    assert.equal(harness.sink.total('opened'), 1);
  });

  it('begin anew in a row that went and came back', () => {
    const harness = createHarness();
    const sums = collect(harness, one(CLIENT, { [C.opened]: 9, [C.touched]: 1 }));
    const [id] = [...sums.rows.keys()];
    assert.ok(id !== undefined);
    sums.forget(id);
    sums.update(one(CLIENT, { [C.opened]: 2, [C.touched]: 5 }));
    assert.equal(harness.sink.total('opened'), 11);
  });

  it('that are off are not told', () => {
    const harness = createHarness({ off: [METRIC_TCP_CONNECTION_OPENED, METRIC_TCP_HANDSHAKE_DURATION] });
    const sums = collect(
      harness,
      one(CLIENT, { [C.touched]: 1, [C.opened]: 1, [C.handshake]: 1, [C.bytesSent]: 1 }),
    );
    sums.setGauges(0);
    assert.deepEqual(
      [...harness.sink.sums.keys()],
      [`wirespan.tcp.io w10 network.io.direction=transmit ${CLIENT_SERIES}`],
    );
    assert.equal(harness.sink.histograms.size, 0);
  });
});
