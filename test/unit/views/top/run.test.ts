/** `wirespan top`: what keys, records and sizes make of the screen. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import stringWidth from 'string-width';
import type { ConnectionRecord, KernelRecord } from '../../../../receiver/model/record.ts';
import { optionsOf } from '../../../../receiver/views/help.ts';
import { parseViewArguments } from '../../../../receiver/views/options.ts';
import { top } from '../../../../receiver/views/top/top.ts';
import type { ViewTools } from '../../../../receiver/views/view.ts';
import { connection, owner, retransmit, second } from '../../../support/correlation.ts';
import { FakeScreen } from './fake.ts';

const live = (sent: number, more: Partial<ConnectionRecord> = {}): ConnectionRecord =>
  connection({
    ...{ kind: 'live', state: 'established', segmentsRetransmitted: 0 },
    ...{ bytesSent: BigInt(sent), bytesReceived: 0n, ...more },
  });

function start(...records: readonly KernelRecord[]) {
  const screen = new FakeScreen();
  const tools: ViewTools = {
    names: { dropReason: () => '', resetReason: () => undefined, functionAt: () => undefined },
    ...{ toUnixNs: (ns: bigint) => ns, maxRemembered: 65_536, isTerminal: true, loads: () => [], screen },
  };
  const run = top.start(parseViewArguments('top', optionsOf(top), []), tools);
  run.begin?.();
  let nowNs = 100n * second;
  const next = (...more: readonly KernelRecord[]): void => {
    for (const record of more) run.row(record);
    nowNs += second;
    run.interval?.([], nowNs, []);
  };
  next(...records);
  /** Pids of the rows, from above. */
  const pids = (): number[] =>
    screen.lines.slice(3, -1).flatMap((line) => (/^ *\d+ /.test(line) ? [Number.parseInt(line)] : []));
  return { screen, run, next, pids };
}

const of = (pid: number, sent: number, more: Partial<ConnectionRecord> = {}): ConnectionRecord =>
  live(sent, { cookie: BigInt(pid), owner: { ...owner, pid, command: `app-${pid}` }, ...more });

describe('wirespan top', () => {
  it('has who moves most first, figures and ends of each connection', () => {
    const { screen } = start(of(1, 100), of(2, 204_800, { rttSmoothedUs: 340 }));
    assert.deepEqual(screen.lines.slice(0, 6), [
      'wirespan 00:01:41  connections 2  sent 200K/s  received 0/s  retransmits 0',
      '[1 Connections]  2 Processes   3 Containers   4 Listeners',
      '    PID COMMAND LOCAL          REMOTE          STATE SENT/v RECV/S    RTT  RETR',
      '      2 app-2   10.1.2.3:40000 192.0.2.9:8080  ESTAB   200K      0  340µs     0',
      '      1 app-1   10.1.2.3:40000 192.0.2.9:8080  ESTAB    100      0  1.5ms     0',
      '',
    ]);
  });

  it('sorts by letters and by the column beside, and the other way round', () => {
    const { screen, pids } = start(of(1, 100), of(3, 300), of(2, 200));
    assert.deepEqual(pids(), [3, 2, 1]);
    screen.press('r');
    assert.deepEqual(pids(), [1, 2, 3]);
    assert.match(screen.lines[2] ?? '', /SENT\/\^/);
    screen.press('P');
    assert.deepEqual(pids(), [3, 2, 1]);
    screen.press('N');
    assert.deepEqual(pids(), [1, 2, 3]);
    screen.press('<', 'RIGHT', 'LEFT');
    assert.match(screen.lines[2] ?? '', /PIDv/);
  });

  it('shows rows that have a text, while it is typed, and all again with Escape', () => {
    const { screen, pids } = start(of(1, 100), of(2, 200), of(12, 300));
    screen.press('/', 'A', 'p', 'p', '-', '1');
    assert.deepEqual(pids(), [12, 1]);
    assert.match(screen.lines.at(-1) ?? '', /^\/App-1_/);
    screen.press('2');
    assert.deepEqual(pids(), [12]);
    screen.press('BACKSPACE', 'ENTER');
    assert.deepEqual(pids(), [12, 1]);
    assert.match(screen.lines[1] ?? '', /\/App-1: 2 rows/);
    // Letters are keys again.
    screen.press('P');
    assert.deepEqual(pids(), [12, 1]);
    screen.press('ESCAPE');
    assert.deepEqual(pids(), [12, 2, 1]);
  });

  it('keeps the chosen row while rows move, and shows all that is known of it', () => {
    const { screen, next } = start(of(1, 100), of(2, 200));
    screen.press('DOWN');
    next(of(1, 5_000), of(2, 300));
    assert.deepEqual(screen.styles[3], ['chosen']);
    screen.press('ENTER');
    const text = screen.lines.join('\n');
    assert.match(text, /^Process +1 app-1, executable app$/m);
    assert.match(text, /^Remote +192\.0\.2\.9:8080$/m);
    screen.resize(80, 40);
    assert.match(screen.lines.join('\n'), /^Sent +5000 bytes, 4\.8K\/s$/m);
    screen.press('ESCAPE');
    assert.match(screen.lines[2] ?? '', /PID/);
  });

  it('pages through more rows than fit, and draws no others', () => {
    const { screen, pids } = start(...Array.from({ length: 1_000 }, (_, i) => of(i + 1, 2_000 - i)));
    assert.deepEqual(pids(), [1, 2, 3, 4, 5, 6, 7, 8]);
    screen.press('PAGE_DOWN');
    assert.deepEqual(pids(), [2, 3, 4, 5, 6, 7, 8, 9]);
    screen.press('END');
    assert.deepEqual(pids().at(-1), 1_000);
    screen.press('HOME');
    assert.deepEqual(pids()[0], 1);
    assert.equal(screen.lines.length, 12);
  });

  it('has processes in the second mode', () => {
    const { screen } = start(
      of(1, 100),
      of(1, 200, { cookie: 7n }),
      of(2, 50),
      connection({ kind: 'accept', cookie: 2n, owner: { ...owner, pid: 2 } }),
    );
    screen.press('TAB');
    assert.match(screen.lines[1] ?? '', /^ 1 Connections {2}\[2 Processes\]/);
    assert.match(screen.lines[3] ?? '', /^ +1 app-1 +2 +300 /);
    screen.press('1');
    assert.match(screen.lines[1] ?? '', /^\[1 Connections\]/);
  });

  it('has lines of the last intervals where there is room, or instead of figures', () => {
    const { screen, next } = start(of(1, 100));
    next(of(1, 1_100), retransmit({ cookie: 1n, owner: { ...owner, pid: 1 } }));
    assert.doesNotMatch(screen.lines[2] ?? '', /BYTES\/S/);
    screen.press('s');
    assert.match(screen.lines[2] ?? '', /BYTES\/S +RTTS +RETRS/);
    assert.match(screen.lines[3] ?? '', / ▁█ +██ +█$/);
    screen.resize(200, 50);
    assert.match(screen.lines[2] ?? '', /SENT\/v RECV\/S +RTT +RETR +SENT +RECV +BYTES\/S +RTTS +RETRS/);
    assert.equal(screen.lines.length, 50);
  });

  it('never writes a line that is wider than the terminal, whatever a process is called', () => {
    const wide = { ...owner, pid: 5, command: '日本語コマンド\x1b[2J' };
    const { screen } = start(of(1, 100), live(50, { cookie: 9n, owner: wide }));
    for (const width of [200, 80, 60, 40, 20]) {
      screen.resize(width, 12);
      for (const line of screen.lines) assert.ok(stringWidth(line) <= width, `${width}: ${line}`);
    }
    screen.resize(80, 12);
    assert.doesNotMatch(screen.lines.join(''), /[\x00-\x1f\x7f-\x9f]/);
  });

  it('stands still with the space bar, shows help, and ends with q', () => {
    const { screen, run, next, pids } = start(of(1, 100));
    screen.press(' ');
    assert.match(screen.lines[0] ?? '', /STANDS STILL/);
    const { draws } = screen;
    next(of(2, 500));
    assert.equal(screen.draws, draws);
    screen.press(' ');
    next();
    assert.deepEqual(pids(), [1, 2]);
    screen.press('h');
    screen.resize(80, 30);
    assert.match(screen.lines.join('\n'), /^Sort by +P PID, N COMMAND/m);
    assert.equal(run.isOver, false);
    screen.press('q');
    assert.equal(run.isOver, true);
    run.close?.();
    assert.ok(!screen.isOpen);
  });

  it('says what is missed on the screen, and once more when it is gone', () => {
    const { screen, run } = start(of(1, 100));
    run.say?.('7 events are missing');
    screen.resize(80, 12);
    assert.match(screen.lines.at(-1) ?? '', /^7 events are missing/);
    assert.deepEqual(screen.styles.at(-1), ['warning']);
    screen.press('DOWN');
    assert.match(screen.lines.at(-1) ?? '', /^Enter detail/);
    assert.deepEqual(run.notes?.(), ['7 events are missing']);
  });
});
