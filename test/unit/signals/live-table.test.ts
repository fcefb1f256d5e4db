import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DROP_KEY, RESET_KEY } from '../../../receiver/decode/generated/layout.ts';
import { showConnections } from '../../../receiver/signals/connection/live.ts';
import { ConnectionSums } from '../../../receiver/signals/connection/sums.ts';
import { ListenerSums } from '../../../receiver/signals/listener/sums.ts';
import { showListeners } from '../../../receiver/signals/listener/live.ts';
import { LiveTable, type LiveRow } from '../../../receiver/signals/live-table.ts';
import {
  cellsOf,
  dropKey,
  LISTENER_CELLS,
  listenerKey,
  mapImage,
  resetKey,
  SERIES_BUCKETS,
  SERIES_CELLS,
  seriesKey,
  seriesValue,
  sparse,
  type SeriesKeyFields,
} from '../../fixtures/records/write-rows.ts';
import { createHarness } from '../../support/sums-harness.ts';

const C = SERIES_CELLS;
const L = LISTENER_CELLS;
const PASS = 7;
const CURL = { startNs: 200n, pid: 20 };
const NGINX = { startNs: 100n, pid: 10 };

type MapRow = readonly [key: Uint8Array, value: Uint8Array];

interface Given {
  readonly connections?: readonly (readonly [SeriesKeyFields, Record<number, number>])[];
  readonly listeners?: readonly (readonly [key: Uint8Array, Record<number, number>])[];
  /** As the kernel sums them, the host's own among them. */
  readonly drops?: readonly MapRow[];
  readonly resets?: readonly MapRow[];
}

function rowsOf({ connections = [], listeners = [], drops = [], resets = [] }: Given): LiveRow[] {
  const harness = createHarness();
  const context = {
    ...harness,
    ownerAt: (view: DataView, at: number) => {
      const owner = harness.ownerAt(view, at);
      return {
        ...owner,
        command: `c${owner.pid}`,
        executable: owner.pid === CURL.pid ? '' : `x${owner.pid}`,
      };
    },
  };
  const sums = new ConnectionSums(context);
  sums.update(
    mapImage(connections.map(([key, cells]) => [seriesKey(key), seriesValue({ [C.touched]: 1, ...cells })])),
  );
  const listening = new ListenerSums(context);
  listening.update(mapImage(listeners.map(([key, cells]) => [key, sparse(L.total, cells)])));
  const table = new LiveTable(PASS, ({ pid }) => `s${pid}`);
  showListeners(table, listening.rows.values());
  showConnections(table, sums.rows.values());
  table.addLosses('drops', mapImage(drops), DROP_KEY.owner, harness.ownerAt);
  table.addLosses('resets', mapImage(resets), RESET_KEY.owner, harness.ownerAt);
  return table.rows();
}

function onlyRow(given: Given): LiveRow {
  const rows = rowsOf(given);
  assert.equal(rows.length, 1);
  return rows[0] ?? assert.fail();
}

describe('LiveTable', () => {
  const toPeer = { owner: CURL, role: 1, serverPort: 443, peer: [192, 0, 2, 1] };

  it('shows a client by its peer, with every figure', () => {
    const cells = {
      [C.opened]: 4,
      [C.active]: 2,
      [C.activePass]: PASS,
      [C.bytesSent]: 100,
      [C.bytesReceived]: 200,
      [C.segmentsRetransmitted]: 3,
      [C.handshake]: 1,
      [C.handshake + 22]: 3,
      [C.handshake + SERIES_BUCKETS.handshake]: 8_000_000,
      [C.rtt + 3]: 4,
      [C.rtt + SERIES_BUCKETS.rtt]: 2_000_000,
    };
    assert.deepEqual(onlyRow({ connections: [[toPeer, cells]] }), {
      process: 'c20',
      service: 's20',
      pid: 20,
      role: 'client',
      endpoint: '192.0.2.1:443',
      active: 2,
      opened: 4,
      failed: 0,
      handshakes: 4,
      handshakeMs: 2,
      rtts: 4,
      rttMs: 0.5,
      bytesSent: 100,
      bytesReceived: 200,
      retransmits: 3,
      drops: 0,
      resets: 0,
      listening: 0,
      queued: 0,
      queueLimit: 0,
      state: 'ESTABLISHED 2',
    });
  });

  it("shows a process's drops and resets once, on its busiest row, and not those of others", () => {
    const drops: MapRow[] = [
      [dropKey(CURL, 2, 4), cellsOf([3])],
      [dropKey(CURL, 3, 4), cellsOf([4])],
      [dropKey({ startNs: 0n, pid: 0 }, 2, 4), cellsOf([100])],
    ];
    const resets: MapRow[] = [
      [resetKey({ owner: CURL, role: 1, serverPort: 443 }), cellsOf([5])],
      [resetKey({ owner: CURL, received: 1 }), cellsOf([6])],
      [resetKey({}), cellsOf([100])],
    ];
    const rows = rowsOf({
      connections: [
        [toPeer, { [C.opened]: 1, [C.bytesSent]: 10 }],
        [
          { ...toPeer, serverPort: 80 },
          { [C.opened]: 1, [C.bytesSent]: 11 },
        ],
        [
          { owner: NGINX, role: 2, serverPort: 80 },
          { [C.opened]: 1, [C.bytesSent]: 99 },
        ],
      ],
      drops,
      resets,
    });
    assert.deepEqual(
      rows.map(({ endpoint, drops, resets }) => [endpoint, drops, resets]),
      [
        ['192.0.2.1:443', 0, 0],
        ['192.0.2.1:80', 7, 11],
        [':80', 0, 0],
      ],
    );
  });

  it('puts an IPv6 peer in brackets', () => {
    const peer = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const { endpoint } = onlyRow({ connections: [[{ ...toPeer, family: 6, peer }, {}]] });
    assert.equal(endpoint, '[2001:db8::1]:443');
  });

  it('shows a server by its port, all peers and families together, by its executable', () => {
    const server = { owner: NGINX, role: 2, serverPort: 80 };
    const cells = { [C.opened]: 3, [C.active]: 1, [C.activePass]: PASS };
    const row = onlyRow({
      connections: [
        [{ ...server, peer: [192, 0, 2, 1] }, cells],
        [{ ...server, peer: [192, 0, 2, 2] }, cells],
        [{ ...server, family: 6 }, cells],
      ],
    });
    const { process, role, endpoint, opened, active, state } = row;
    assert.deepEqual(
      [process, role, endpoint, opened, active, state],
      ['x10', 'server', ':80', 9, 3, 'ESTABLISHED 3'],
    );
  });

  it('counts failures apart, on the same line', () => {
    const { opened, failed, handshakeMs } = onlyRow({
      connections: [
        [toPeer, { [C.opened]: 5, [C.handshake]: 5, [C.handshake + SERIES_BUCKETS.handshake]: 5_000_000 }],
        [
          { ...toPeer, error: 111 },
          { [C.opened]: 2, [C.handshake]: 2, [C.handshake + SERIES_BUCKETS.handshake]: 900_000_000 },
        ],
      ],
    });
    assert.deepEqual([opened, failed, handshakeMs], [5, 2, 1]);
  });

  it('has no handshake time where none was seen', () => {
    assert.ok(!('handshakeMs' in onlyRow({ connections: [[toPeer, { [C.opened]: 1 }]] })));
  });

  it('takes active connections from the last pass only', () => {
    const { active, state } = onlyRow({
      connections: [[toPeer, { [C.active]: 9, [C.activePass]: PASS - 1 }]],
    });
    assert.deepEqual([active, state], [0, '']);
  });

  it('shows retransmissions that events told before the socket did', () => {
    const early = { [C.retransmits]: 1, [C.retransmits + 5]: 3, [C.segmentsRetransmitted]: 2 };
    assert.equal(onlyRow({ connections: [[toPeer, early]] }).retransmits, 4);
  });

  it('keeps roles, and processes with one pid, apart', () => {
    const key = { owner: CURL, serverPort: 80 };
    const rows = rowsOf({
      connections: [
        [{ ...key, role: 1 }, {}],
        [{ ...key, role: 2 }, {}],
        [{ ...key, role: 0 }, {}],
        [{ ...key, role: 2, owner: { ...CURL, startNs: 999n } }, {}],
      ],
    });
    assert.deepEqual(
      rows.map(({ role }) => role),
      ['client', 'server', 'unknown', 'server'],
    );
  });

  it('leaves the overflow out', () => {
    assert.deepEqual(rowsOf({ connections: [[{ overflow: 1 }, { [C.opened]: 3 }]] }), []);
  });

  it('shows listeners of the last pass, both families together', () => {
    const cells = { [L.pass]: PASS, [L.count]: 2, [L.usage]: 3, [L.limit]: 100 };
    const row = onlyRow({
      listeners: [
        [listenerKey(NGINX, 80, 4), cells],
        [listenerKey(NGINX, 80, 6), cells],
        [listenerKey(NGINX, 81, 4), { ...cells, [L.pass]: PASS - 1 }],
      ],
    });
    assert.deepEqual([row.role, row.endpoint, row.state], ['listener', ':80', 'LISTEN 4, queue 6/200']);
  });
});
