import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { renderJson, renderTable } from '../../../receiver/cli/table.ts';
import type { LiveRow } from '../../../receiver/signals/live-table.ts';
import { row } from './rows.ts';

const now = new Date(2026, 0, 2, 3, 4, 5);
const wide = { width: 230, height: 24, now, status: 'no collector yet', groupBy: 'command' } as const;

function namesIn(rows: readonly LiveRow[]): (string | undefined)[] {
  return renderTable(rows, wide)
    .split('\n')
    .slice(3)
    .map((line) => line.split(' ')[0]);
}

describe('renderTable', () => {
  it('shows the status, a heading and every figure', () => {
    const nginx = {
      ...row({
        process: 'nginx',
        service: 'shop',
        pid: 4711,
        role: 'server',
        endpoint: ':443',
        active: 12,
        opened: 345,
        failed: 6,
        handshakes: 345,
        handshakeMs: 0.25,
        rtts: 3,
        rttMs: 12.34,
        bytesSent: 2048,
        bytesReceived: 5 * 2 ** 20,
        retransmits: 7,
        drops: 8,
        resets: 9,
      }),
      rates: { opened: 2.5, bytesSent: 1024, bytesReceived: 10 },
    };
    const [status, blank, heading, line] = renderTable([nginx], wide).split('\n');
    assert.equal(status, '03:04:05  no collector yet');
    assert.equal(blank, '');
    const titles = heading?.trim().split(/\s{2,}/) ?? [];
    const cells = line?.trim().split(/\s{2,}/) ?? [];
    assert.deepEqual(
      titles.map((title, i) => [title, cells[i]]),
      [
        ['PROCESS', 'nginx'],
        ['SERVICE', 'shop'],
        ['PID', '4711'],
        ['ROLE', 'server'],
        ['ENDPOINT', ':443'],
        ['OPEN', '12'],
        ['RETRANS', '7'],
        ['DROPS', '8'],
        ['RTT', '12.3 ms'],
        ['STATE', 'ESTAB 12'],
        ['FAILED', '6'],
        ['NEW/S', '2.5'],
        ['SENT/S', '1.0 KiB'],
        ['RECV/S', '10 B'],
        ['RESETS', '9'],
        ['OPENED', '345'],
        ['SENT', '2.0 KiB'],
        ['RECEIVED', '5.0 MiB'],
        ['HANDSHAKE', '250 µs'],
      ],
    );
  });

  it('shows how much of its queue a listener has in use', () => {
    const listener = row({ role: 'listener', endpoint: ':80', listening: 2, queued: 3, queueLimit: 256 });
    assert.match(renderTable([listener], wide), / LISTEN 3\/256 /);
  });

  it('names services only where they say more than the processes', () => {
    assert.doesNotMatch(renderTable([row()], wide), /SERVICE/);
    assert.match(renderTable([row(), row({ service: 'shop' })], wide), /SERVICE/);
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
    const each = { ...wide, groupBy: 'process' } as const;
    const lines = renderTable(rows, { ...each, height: 10 }).split('\n');
    assert.equal(lines.length, 10);
    assert.equal(lines[9], '… and 24 less active');
    assert.doesNotMatch(renderTable(rows, { ...each, height: 33 }), /less active/);
  });

  it('shows many processes of one command as one row, which can be opened', () => {
    const rows = [
      ...Array.from({ length: 30 }, (_, i) => row({ pid: 100 + i, bytesSent: 1024 })),
      row({ process: 'nginx', service: 'nginx', pid: 7, role: 'server', endpoint: ':80' }),
    ];
    const [, , , first, second, ...more] = renderTable(rows, { ...wide, width: 80, height: 10 }).split('\n');
    assert.match(first ?? '', /^curl {2,}×30 /);
    assert.match(second ?? '', /^nginx {2,}7 /);
    assert.deepEqual(more, []);
    const opened = renderTable(rows, { ...wide, width: 80, height: 50, groupBy: 'process' }).split('\n');
    assert.equal(opened.length, 3 + 31);
  });

  it('has what matters in 80 columns, with the longest IPv4 endpoint and queue', () => {
    const rows = [
      row({
        process: 'java',
        service: 'shop',
        pid: 4194304,
        endpoint: '255.255.255.255:65535',
        active: 99999,
      }),
      row({ process: 'nginx', role: 'listener', endpoint: ':80', queueLimit: 4096 }),
    ];
    const text = renderTable(rows, { ...wide, width: 80 });
    const heading = text.split('\n')[2] ?? '';
    assert.match(heading, /^PROCESS .*ENDPOINT +OPEN +RETRANS +DROPS +RTT +STATE/);
    assert.match(text, / LISTEN 0\/4096/);
    assert.match(text, / 255\.255\.255\.255:65535 /);
  });

  it('leaves out the least needed columns first', () => {
    const heading = (width: number): string => renderTable([row()], { ...wide, width }).split('\n')[2] ?? '';
    assert.match(heading(110), /SENT\/S +RECV\/S/);
    assert.doesNotMatch(heading(110), /ROLE|HANDSHAKE/);
    assert.match(heading(90), /PID.*OPEN +RETRANS +DROPS +RTT +STATE/);
    assert.doesNotMatch(heading(90), /RESETS/);
    assert.match(heading(30), /PROCESS.*ENDPOINT/);
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
        fc.constantFrom('command' as const, 'process' as const),
        (rows, width, height, groupBy) => {
          const lines = renderTable(rows, { width, height, now, status: 'x'.repeat(300), groupBy }).split(
            '\n',
          );
          assert.ok(lines.length <= height, `${String(lines.length)} lines`);
          for (const line of lines) assert.ok(stringWidth(line) <= width, line);
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
