/** `tcptop`: what connections moved, of records as passes and closes tell them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KernelRecord } from '../../../receiver/model/record.ts';
import { optionsOf } from '../../../receiver/views/help.ts';
import { parseViewArguments } from '../../../receiver/views/options.ts';
import { tcptop } from '../../../receiver/views/tcptop.ts';
import type { ViewTools } from '../../../receiver/views/view.ts';
import { connection } from '../../support/correlation.ts';

const TOOLS: ViewTools = {
  names: { dropReason: () => '', resetReason: () => undefined, functionAt: () => undefined },
  toUnixNs: (ns) => ns,
  maxRemembered: 3,
  isTerminal: false,
  loads: () => [0.5, 1, 2.25],
};

describe('tcptop', () => {
  const live = (bytesSent: bigint, rest: Partial<ReturnType<typeof connection>> = {}) =>
    connection({ kind: 'live', bytesSent, bytesReceived: 0n, ...rest });
  const start = (command: string, tools = TOOLS) => {
    const args = parseViewArguments('tcptop', optionsOf(tcptop), command.split(' ').slice(1), tcptop.words);
    const run = tcptop.start(args, tools);
    return {
      run,
      print: (...records: readonly KernelRecord[]): string[] => {
        for (const record of records) run.row(record);
        return (run.interval?.([], 0n, []) ?? []).flatMap(({ lines }) => lines);
      },
    };
  };

  it('has what each moved in an interval, most first, families apart', () => {
    const { print } = start('tcptop -S');
    const v6 = { ...live(1n).endpoints, family: 6, localAddress: '::1', peerAddress: '::2' } as const;
    const some = [live(2_048n, { cookie: 1n }), live(10_240n, { cookie: 2n, bytesReceived: 1_024n })];
    assert.deepEqual(print(...some, live(1_024n, { cookie: 3n, endpoints: v6 })), [
      '',
      'PID    COMM         LADDR                 RADDR                  RX_KB  TX_KB',
      '42     app          10.1.2.3:40000        192.0.2.9:8080             1     10',
      '42     app          10.1.2.3:40000        192.0.2.9:8080             0      2',
      '',
      'PID    COMM         LADDR6                           RADDR6                            RX_KB  TX_KB',
      '42     app          ::1:40000                        ::2:8080                              0      1',
    ]);
    assert.deepEqual(print(), ['']);
  });

  it('goes by what was sent or received, and shows so many of both families', () => {
    const v6 = { ...live(1n).endpoints, family: 6, localAddress: '::1', peerAddress: '::2' } as const;
    const moved = [
      live(1_024n, { cookie: 1n, bytesReceived: 9_216n }),
      live(7_168n, { cookie: 2n, bytesReceived: 1_024n, endpoints: v6 }),
      live(2_048n, { cookie: 3n, bytesReceived: 2_048n }),
    ];
    const figures = (command: string): unknown[] =>
      start(command)
        .print(...moved)
        .flatMap((row) => (/^42/.test(row) ? [row.trim().split(/ +/).slice(-2).join(' ')] : []));
    assert.deepEqual(figures('tcptop -S -s all -r 2'), ['9 1', '1 7']);
    assert.deepEqual(figures('tcptop -S --sort sent'), ['2 2', '9 1', '1 7']);
    assert.deepEqual(figures('tcptop -S -s sent -r 1'), ['1 7']);
    assert.deepEqual(figures('tcptop -S -s received -r 2'), ['9 1', '2 2']);
    assert.throws(() => start('tcptop -s most'), {
      message: /-s most: is none of its values: all, sent, received/,
    });
    assert.throws(() => start('tcptop -r 0'), { message: /-r 0: is no count/ });
  });

  it('counts the rest at the end, and of an older connection nothing from before', () => {
    const { run } = start('tcptop');
    const bytes = (...records: readonly KernelRecord[]): unknown[] => {
      for (const record of records) run.row(record);
      return (run.interval?.([], 0n, []) ?? []).flatMap(({ json }) => json?.['bytes_sent'] ?? []);
    };
    assert.deepEqual(bytes(live(5n, { preexisting: true })), []);
    assert.deepEqual(bytes(live(7n, { preexisting: true })), [2]);
    assert.deepEqual(bytes(live(8n), connection({ bytesSent: 11n, bytesReceived: 0n })), [4]);
    // The same socket once more.
    assert.deepEqual(bytes(live(3n)), [3]);
  });

  it('takes no connection for a new one that it may have forgotten, and says so', () => {
    const { run, print } = start('tcptop -S', { ...TOOLS, maxRemembered: 2 });
    print(...[1n, 2n, 3n].map((cookie) => live(9_999n, { cookie, timeNs: 500n, establishedNs: 100n })));
    assert.deepEqual(print(live(20_000n, { cookie: 1n, timeNs: 900n, establishedNs: 100n })), ['']);
    assert.match(run.notes?.()[0] ?? '', /^2 times a connection was forgotten for a newer one/);
    // It was not there before this interval.
    const later = live(20_480n, { cookie: 4n, timeNs: 1_200n, establishedNs: 950n });
    assert.match(print(later).at(-1) ?? '', /^42 .* 0 +20$/);
  });

  it('shows so many connections at most in an interval, and says what is missing', () => {
    const { run, print } = start('tcptop -S', { ...TOOLS, maxRemembered: 2 });
    const rows = print(...[1n, 2n, 3n].map((cookie) => live(1_024n * cookie, { cookie })));
    assert.deepEqual(
      rows.slice(2).map((row) => row.trim().split(/ +/).at(-1)),
      ['3', '2'],
    );
    assert.match(
      run.notes?.()[1] ?? '',
      /^1 times a connection is missing in an interval, since 2 had moved/,
    );
  });

  it('clears a terminal unless told not to, and has the load averages', () => {
    const terminal = { ...TOOLS, isTerminal: true };
    assert.deepEqual(start('tcptop -S', terminal).print(), ['\x1b[H\x1b[2J\x1b[3J']);
    assert.deepEqual(start('tcptop -S -C', terminal).print(), ['']);
    assert.match(start('tcptop').print()[1] ?? '', /^\d\d:\d\d:\d\d loadavg: 0\.50 1\.00 2\.25$/);
  });
});
