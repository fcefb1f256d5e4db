import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { foldEndpoints, foldProcesses, singleRows, type TableRow } from '../../../receiver/cli/fold.ts';
import type { RatedRow } from '../../../receiver/cli/rates.ts';
import { row } from './rows.ts';

const fold = (rows: readonly RatedRow[], room = Infinity): readonly TableRow[] =>
  foldEndpoints(foldProcesses(singleRows(rows)), room);

const nameOf = ({ service, process, role, endpoint, pids }: TableRow): string =>
  [service, process, role, endpoint, pids.size].join(' ');

describe('processes of one service and command', () => {
  it('are one row with the sums of all, and the means of what was measured', () => {
    const rates = { opened: 1, bytesSent: 2, bytesReceived: 3 };
    const rows = [
      { ...row({ pid: 1, active: 1, opened: 2, retransmits: 5, rtts: 1, rttMs: 10 }), rates },
      { ...row({ pid: 2, active: 2, opened: 3, drops: 7, rtts: 3, rttMs: 2 }), rates },
      { ...row({ pid: 2, opened: 4, resets: 11, handshakes: 2, handshakeMs: 8 }), rates },
    ];
    const [folded, ...more] = fold(rows);
    assert.deepEqual(more, []);
    assert.deepEqual(folded, {
      ...row({ pid: 1, active: 3, opened: 9, retransmits: 5, drops: 7, resets: 11 }),
      handshakes: 2,
      handshakeMs: 8,
      rtts: 4,
      rttMs: 4,
      rates: { opened: 3, bytesSent: 6, bytesReceived: 9 },
      pids: new Set([1, 2]),
    });
  });

  it('stay apart by service, command, role and endpoint', () => {
    const rows = [
      row(),
      row({ service: 'shop' }),
      row({ process: 'wget' }),
      row({ role: 'server', endpoint: ':80' }),
      row({ endpoint: '127.0.0.1:81' }),
    ];
    assert.equal(fold(rows).length, rows.length);
  });
});

describe('endpoints of one workload', () => {
  const client = (i: number): RatedRow => row({ pid: i % 3, endpoint: `10.0.0.${String(i)}:443` });
  const rows = [
    ...Array.from({ length: 7 }, (_, i) => client(i)),
    row({ process: 'nginx', service: 'nginx', role: 'listener', endpoint: ':80' }),
    row({ process: 'nginx', service: 'nginx', role: 'listener', endpoint: ':81' }),
  ];

  it('are put together only where there is no room, where there are most of them first', () => {
    assert.equal(fold(rows, 9).length, 9);
    assert.deepEqual(fold(rows, 8).map(nameOf), [
      'curl curl client 7 peers 3',
      'nginx nginx listener :80 1',
      'nginx nginx listener :81 1',
    ]);
    assert.deepEqual(fold(rows, 2).map(nameOf), [
      'curl curl client 7 peers 3',
      'nginx nginx listener 2 ports 1',
    ]);
  });

  it('lose nothing', () => {
    const anyRow = fc
      .record({
        pid: fc.nat(5),
        process: fc.constantFrom('a', 'b'),
        endpoint: fc.constantFrom(':1', ':2', ':3'),
        opened: fc.nat(1000),
        bytesSent: fc.nat(1000),
        drops: fc.nat(1000),
      })
      .map(row);
    const totals = (all: readonly RatedRow[]): number[] =>
      (['opened', 'bytesSent', 'drops'] as const).map((figure) =>
        all.reduce((sum, each) => sum + each[figure], 0),
      );
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 40 }), fc.nat(10), (given, room) =>
        assert.deepEqual(totals(fold(given, room)), totals(given)),
      ),
    );
  });
});
