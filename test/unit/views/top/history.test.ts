/** What a row had in the last intervals, and how it is drawn in one line. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { History, HISTORY, sparkline } from '../../../../receiver/views/top/history.ts';

const figures = (moved: number) => ({ moved, rtt: moved * 2, retransmits: moved * 3 });

describe('a history', () => {
  it('has nothing before it began, and zero for intervals in which nothing happened', () => {
    const history = new History();
    assert.deepEqual(history.last('moved', 7, 5), []);
    history.set(4, figures(10));
    history.set(7, figures(20));
    assert.deepEqual(history.last('moved', 8, 30), [10, 0, 0, 20, 0]);
    assert.deepEqual(history.last('rtt', 8, 3), [0, 40, 0]);
    assert.deepEqual(history.last('retransmits', 7, 1), [60]);
  });

  it('forgets what is older than it is long, also over a long pause', () => {
    const history = new History();
    for (let interval = 0; interval < HISTORY + 5; interval += 1)
      history.set(interval, figures(interval + 1));
    const all = history.last('moved', HISTORY + 4, 1000);
    assert.equal(all.length, HISTORY);
    assert.deepEqual([all[0], all.at(-1)], [6, HISTORY + 5]);
    assert.deepEqual(new Set(history.last('moved', 10 * HISTORY, HISTORY)), new Set([0]));
    history.set(20 * HISTORY, figures(3));
    assert.deepEqual(history.last('moved', 20 * HISTORY, 3), [0, 0, 3]);
  });
});

describe('a sparkline', () => {
  it('is relative to the greatest, and blank for nothing alone', () => {
    assert.equal(sparkline([0, 1, 4, 8], true), ' ▁▄█');
    assert.equal(sparkline([0, 0.001, 1000], true), ' ▁█');
    assert.equal(sparkline([0, 0], true), '  ');
    assert.equal(sparkline([], true), '');
  });

  it('is of ASCII where the terminal has no more', () => {
    assert.match(sparkline([0, 1, 2, 3, 4, 5, 6, 7, 8], false), /^ [!-~]{7}@$/);
  });
});
