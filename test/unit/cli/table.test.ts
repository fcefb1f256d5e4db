import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { columnsOf } from '../../../receiver/cli/human.ts';
import { renderJson, renderTable } from '../../../receiver/cli/table.ts';
import type { LiveRow } from '../../../receiver/signals/live-table.ts';
import { row } from './rows.ts';

const now = new Date(2026, 0, 2, 3, 4, 5);
const wide = { width: 200, height: 24, now, status: 'no collector yet' };

function namesIn(rows: readonly LiveRow[]): (string | undefined)[] {
  return renderTable(rows, wide)
    .split('\n')
    .slice(3)
    .map((line) => line.split(' ')[0]);
}

describe('renderTable', () => {
  it('shows the status, a heading and every figure', () => {
    const nginx = row({
      process: 'nginx',
      pid: 4711,
      role: 'server',
      endpoint: ':443',
      active: 12,
      opened: 345,
      failed: 6,
      handshakeMs: 0.25,
      bytesSent: 2048,
      bytesReceived: 5 * 2 ** 20,
      retransmits: 7,
      drops: 8,
      resets: 9,
      state: 'ESTABLISHED 12',
    });
    const [status, blank, heading, line] = renderTable([nginx], wide).split('\n');
    assert.equal(status, '03:04:05  no collector yet');
    assert.equal(blank, '');
    assert.deepEqual(heading?.trim().split(/\s{2,}/), [
      'PROCESS',
      'PID',
      'ROLE',
      'ENDPOINT',
      'OPEN',
      'OPENED',
      'FAILED',
      'HANDSHAKE',
      'SENT',
      'RECEIVED',
      'RETRANS',
      'DROPS',
      'RESETS',
      'STATE',
    ]);
    assert.deepEqual(line?.trim().split(/\s{2,}/), [
      'nginx',
      '4711',
      'server',
      ':443',
      '12',
      '345',
      '6',
      '250 µs',
      '2.0 KiB',
      '5.0 MiB',
      '7',
      '8',
      '9',
      'ESTABLISHED 12',
    ]);
  });

  it('says so when there is nothing', () =>
    assert.match(renderTable([], wide), /\nno TCP connections seen yet$/));

  it('shows no handshake as -', () => assert.match(renderTable([row()], wide), / - /));

  it('puts the most active first and keeps equals in one order', () => {
    const rows = [
      row({ process: 'idle-b' }),
      row({ process: 'idle-a' }),
      row({ process: 'open', active: 3 }),
      row({ process: 'dialled', failed: 2 }),
      row({ process: 'sender', bytesSent: 10 }),
      row({ process: 'receiver', bytesReceived: 20 }),
    ];
    const order = ['receiver', 'sender', 'dialled', 'open', 'idle-a', 'idle-b'];
    assert.deepEqual(namesIn(rows), order);
    assert.deepEqual(namesIn(rows.toReversed()), order);
  });

  it('counts what has no room', () => {
    const rows = Array.from({ length: 30 }, (_, pid) => row({ pid }));
    const lines = renderTable(rows, { ...wide, height: 10 }).split('\n');
    assert.equal(lines.length, 10);
    assert.equal(lines[9], '… and 24 less active');
    assert.doesNotMatch(renderTable(rows, { ...wide, height: 33 }), /less active/);
  });

  it('leaves out the least needed columns first', () => {
    const heading = (width: number): string => renderTable([row()], { ...wide, width }).split('\n')[2] ?? '';
    assert.match(heading(110), /STATE/);
    assert.doesNotMatch(heading(110), /ROLE/);
    assert.match(heading(80), /PROCESS.*ENDPOINT.*OPEN.*OPENED.*FAILED/);
    assert.doesNotMatch(heading(80), /RESETS/);
    assert.match(heading(30), /PROCESS.*ENDPOINT.*OPEN/);
  });

  it('lets no process name move the cursor', () => {
    const text = renderTable([row({ process: 'a\x1b[2J\nb', endpoint: '\r\x9b' })], {
      ...wide,
      status: '\x07',
    });
    assert.equal(text.split('\n').length, 4);
    assert.doesNotMatch(text.replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f]/);
  });

  it('fits any terminal', () => {
    const figure = fc.nat(Number.MAX_SAFE_INTEGER);
    const anyRow = fc
      .record({
        process: fc.string({ unit: 'binary' }),
        endpoint: fc.string(),
        active: figure,
        opened: figure,
        bytesSent: figure,
        state: fc.string(),
      })
      .map(row);
    fc.assert(
      fc.property(
        fc.array(anyRow, { maxLength: 40 }),
        fc.integer({ min: 20, max: 200 }),
        fc.integer({ min: 5, max: 50 }),
        (rows, width, height) => {
          const lines = renderTable(rows, { width, height, now, status: 'x'.repeat(300) }).split('\n');
          assert.ok(lines.length <= height, `${String(lines.length)} lines`);
          for (const line of lines) assert.ok(columnsOf(line) <= width, line);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('renderJson', () => {
  it('gives one object a row and line', () => {
    const rows = [row({ pid: 1 }), row({ pid: 2, process: 'a\nb' })];
    const text = renderJson(rows, now);
    assert.ok(text.endsWith('\n'));
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    assert.deepEqual(
      lines,
      rows.map((r) => ({ time: now.toISOString(), ...r })),
    );
  });
  it('is empty without rows', () => assert.equal(renderJson([], now), ''));
});
