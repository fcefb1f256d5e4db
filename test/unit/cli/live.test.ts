import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { LiveJson, LiveTable, type LiveStream } from '../../../receiver/cli/live.ts';
import { row } from './rows.ts';

/** A terminal that understands what the table writes and nothing else. */
class FakeTerminal implements LiveStream {
  readonly size: () => { columns: number; rows: number };
  readonly listeners = new Set<(cause: string) => void>();
  isBusy = false;
  screen: string[] = [''];
  isCursorShown = true;
  raw = '';
  #line = 0;

  constructor(columns = 120, rows = 20) {
    this.size = () => ({ columns, rows });
  }

  write(text: string): boolean {
    this.raw += text;
    for (const [, sequence, newline, plain] of text.matchAll(
      /(\x1b\[\??\d*[A-Za-z]|\r)|(\n)|([^\x1b\r\n]+)/g,
    )) {
      if (sequence !== undefined) this.#control(sequence);
      else if (newline !== undefined) this.screen[++this.#line] ??= '';
      else this.screen[this.#line] += plain ?? '';
    }
    return true;
  }

  onGone(listener: (cause: string) => void): void {
    this.listeners.add(listener);
  }

  offGone(listener: (cause: string) => void): void {
    this.listeners.delete(listener);
  }

  #control(sequence: string): void {
    const up = /^\x1b\[(\d+)A$/.exec(sequence);
    if (up !== null) this.#line -= Number(up[1]);
    else if (sequence === '\x1b[J') this.screen = [...this.screen.slice(0, this.#line), ''];
    else if (sequence === '\x1b[?25l') this.isCursorShown = false;
    else if (sequence === '\x1b[?25h') this.isCursorShown = true;
    else assert.equal(sequence, '\r');
  }
}

describe('LiveTable', () => {
  it('redraws in place each interval and gives the cursor back', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const terminal = new FakeTerminal();
    let opened = 0;
    const table = new LiveTable({
      stream: terminal,
      size: terminal.size,
      read: () => ({ rows: [row({ opened: ++opened })], status: 's' }),
    });
    table.start();
    table.start();
    assert.equal(terminal.isCursorShown, false);
    assert.equal(opened, 1);
    mock.timers.tick(1000);
    mock.timers.tick(1000);
    assert.equal(opened, 3);
    assert.equal(terminal.screen.length, 4);
    table.stop();
    assert.deepEqual([terminal.isCursorShown, opened, terminal.screen.length], [true, 4, 5]);
    table.stop();
    mock.timers.tick(5000);
    assert.equal(opened, 4);
    assert.deepEqual([terminal.listeners.size, process.listeners('exit').length], [0, 0]);
    mock.timers.reset();
  });

  it('takes 80 by 24 for a terminal that does not know its size', () => {
    const sizes = [new FakeTerminal(0, 0), new FakeTerminal(80, 24)];
    const [unknown, usual] = sizes.map((stream) => {
      const rows = Array.from({ length: 40 }, (_, pid) => row({ pid }));
      const table = new LiveTable({ stream, size: stream.size, read: () => ({ rows, status: 's' }) });
      table.start();
      table.stop();
      return stream.screen.slice(1);
    });
    assert.deepEqual(unknown, usual);
  });

  it('follows a view that grows and shrinks', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const terminal = new FakeTerminal();
    let count = 9;
    const table = new LiveTable({
      stream: terminal,
      size: terminal.size,
      read: () => ({ rows: Array.from({ length: count }, (_, pid) => row({ pid })), status: 's' }),
    });
    table.start();
    assert.equal(terminal.screen.length, 12);
    count = 1;
    mock.timers.tick(1000);
    assert.equal(terminal.screen.length, 4);
    table.stop();
    mock.timers.reset();
  });

  it('keeps the lines of a log above itself', () => {
    const terminal = new FakeTerminal();
    const table = new LiveTable({
      stream: terminal,
      size: terminal.size,
      read: () => ({ rows: [row()], status: 'status' }),
    });
    table.writeAbove('before\n');
    table.start();
    table.writeAbove('one\n');
    table.writeAbove('two');
    assert.deepEqual(terminal.screen.slice(0, 3), ['before', 'one', 'two']);
    assert.match(terminal.screen[3] ?? '', /status$/);
    assert.equal(terminal.screen.length, 7);
    table.stop();
  });

  it('leaves frames out while the stream is busy, and counts them', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const terminal = new FakeTerminal();
    const table = new LiveTable({
      stream: terminal,
      size: terminal.size,
      read: () => ({ rows: [row()], status: 's' }),
    });
    table.start();
    terminal.isBusy = true;
    const written = terminal.raw.length;
    mock.timers.tick(3000);
    assert.deepEqual([table.skippedFrames, terminal.raw.length], [3, written]);
    terminal.isBusy = false;
    mock.timers.tick(1000);
    assert.ok(terminal.raw.length > written);
    table.stop();
    mock.timers.reset();
  });

  it('stops when the stream is gone', () => {
    const terminal = new FakeTerminal();
    const causes: string[] = [];
    const table = new LiveTable({
      stream: terminal,
      read: () => ({ rows: [], status: 's' }),
      onGone: (cause) => causes.push(cause),
    });
    table.start();
    for (const listener of terminal.listeners) listener('EPIPE');
    assert.deepEqual([table.isRunning, terminal.listeners.size, causes], [false, 0, ['EPIPE']]);
    assert.equal(process.listeners('exit').length, 0);
    table.stop();
  });
});

describe('LiveJson', () => {
  it('tells how many intervals a reader has missed, once it reads again', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const terminal = new FakeTerminal();
    const skipped: number[] = [];
    const json = new LiveJson({
      stream: terminal,
      read: () => ({ rows: [row()], status: 's' }),
      onSkipped: (intervals) => skipped.push(intervals),
    });
    json.start();
    terminal.isBusy = true;
    mock.timers.tick(7000);
    assert.deepEqual(skipped, []);
    terminal.isBusy = false;
    mock.timers.tick(2000);
    json.stop();
    assert.deepEqual([skipped, json.skippedFrames], [[7], 7]);
    mock.timers.reset();
  });

  it('writes lines each interval and no control sequences', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const terminal = new FakeTerminal();
    const json = new LiveJson({
      stream: terminal,
      size: terminal.size,
      read: () => ({ rows: [row(), row()], status: 's' }),
      intervalMs: 10,
    });
    json.start();
    mock.timers.tick(10);
    json.stop();
    const lines = terminal.raw.trimEnd().split('\n');
    assert.equal(lines.length, 6);
    for (const line of lines) assert.equal((JSON.parse(line) as { process: string }).process, 'curl');
    mock.timers.reset();
  });
});
