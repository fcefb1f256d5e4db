import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import fc from 'fast-check';
import { LiveJson } from '../../../receiver/cli/live.ts';
import { LivePages } from '../../../receiver/cli/live-pages.ts';
import { LiveScreen } from '../../../receiver/cli/live-screen.ts';
import type { LiveView } from '../../../receiver/cli/table-frames.ts';
import type { LiveRow } from '../../../receiver/signals/live-table.ts';
import { FakeTerminal } from './fake-terminal.ts';
import { row } from './rows.ts';

const view = (rows: readonly LiveRow[], status: string): LiveView => ({ rows, status, groupBy: 'process' });

describe('LiveScreen', () => {
  it('redraws in place each interval and gives the cursor back', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const terminal = new FakeTerminal();
    let opened = 0;
    const table = new LiveScreen({
      stream: terminal,
      size: terminal.size,
      read: () => view([row({ opened: ++opened })], 's'),
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
      const table = new LiveScreen({ stream, size: stream.size, read: () => view(rows, 's') });
      table.start();
      table.stop();
      return stream.seen.slice(1);
    });
    assert.deepEqual(unknown, usual);
  });

  it('follows a view that grows and shrinks', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const terminal = new FakeTerminal();
    let count = 9;
    const table = new LiveScreen({
      stream: terminal,
      size: terminal.size,
      read: () =>
        view(
          Array.from({ length: count }, (_, pid) => row({ pid })),
          's',
        ),
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
    const table = new LiveScreen({
      stream: terminal,
      size: terminal.size,
      read: () => view([row()], 'status'),
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

  it('never shows the end of a message whose beginning is gone, and all of the last one', () => {
    const words = fc.array(fc.constantFrom('short', 'x'.repeat(100), 'two words'), { maxLength: 9 });
    const step = fc.record({ message: fc.option(words), count: fc.nat(30) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), fc.integer({ min: 12, max: 30 }), (steps, rows) => {
        mock.timers.enable({ apis: ['setInterval'] });
        const terminal = new FakeTerminal(60, rows);
        let count = 0;
        const screen = new LiveScreen({
          stream: terminal,
          size: terminal.size,
          read: () =>
            view(
              Array.from({ length: count }, (_, pid) => row({ pid })),
              'the status',
            ),
        });
        screen.start();
        for (const { message, count: next } of steps) {
          count = next;
          const text = `# ${(message ?? []).join(' ')}`;
          if (message === null) mock.timers.tick(1000);
          else screen.writeAbove(`${text}\n`);
          const seen = terminal.seen.slice(-rows);
          assert.match(seen[0] ?? '', /^#|the status$/);
          assert.ok(seen.every((line) => line.length <= 60));
          assert.equal(seen.filter((line) => line.endsWith('the status')).length, 1);
          const isSeen = seen.join('').replaceAll(' ', '').includes(text.replaceAll(' ', ''));
          if (message !== null && text.length < 60 * (rows / 2 - 3)) assert.ok(isSeen, seen.join('\n'));
        }
        screen.stop();
        mock.timers.reset();
      }),
    );
  });

  it('begins anew on a terminal whose size changed', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const terminal = new FakeTerminal(100, 10);
    const table = new LiveScreen({
      stream: terminal,
      size: terminal.size,
      read: () => view([row()], 'the status'),
    });
    table.start();
    terminal.columns = 40;
    mock.timers.tick(1000);
    assert.equal(terminal.raw.split('\x1b[H\x1b[J').length, 2);
    mock.timers.tick(1000);
    assert.equal(terminal.raw.split('\x1b[H\x1b[J').length, 2);
    assert.equal(terminal.screen.filter((line) => line.endsWith('the status')).length, 1);
    table.stop();
    mock.timers.reset();
  });

  it('leaves frames out while the stream is busy, and counts them', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const terminal = new FakeTerminal();
    const table = new LiveScreen({
      stream: terminal,
      size: terminal.size,
      read: () => view([row()], 's'),
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
    const table = new LiveScreen({
      stream: terminal,
      size: terminal.size,
      read: () => view([], 's'),
      onGone: (cause) => causes.push(cause),
    });
    table.start();
    for (const listener of terminal.listeners) listener('EPIPE');
    assert.deepEqual([table.isRunning, terminal.listeners.size, causes], [false, 0, ['EPIPE']]);
    assert.equal(process.listeners('exit').length, 0);
    table.stop();
  });
});

describe('LivePages', () => {
  it('writes pages without control sequences: the first after a second, then each five, and one at the end', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const terminal = new FakeTerminal();
    let opened = 0;
    const pages = new LivePages({
      stream: terminal,
      width: 200,
      read: () => view([row({ opened: (opened += 7) })], 'the status'),
    });
    const written = (): number => terminal.raw.split('the status').length - 1;
    pages.start();
    assert.equal(written(), 0);
    mock.timers.tick(1000);
    assert.equal(written(), 1);
    mock.timers.tick(4000);
    assert.equal(written(), 1);
    mock.timers.tick(1000);
    assert.equal(written(), 2);
    pages.stop();
    assert.equal(written(), 3);
    assert.doesNotMatch(terminal.raw, /[\x1b\r]/);
    assert.match(terminal.raw, /NEW\/S/);
    mock.timers.reset();
  });
});

describe('LiveJson', () => {
  it('tells how many intervals a reader has missed, once it reads again', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const terminal = new FakeTerminal();
    const skipped: number[] = [];
    const json = new LiveJson({
      stream: terminal,
      read: () => view([row()], 's'),
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
      read: () => view([row(), row()], 's'),
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
