/** Sums over time and rankings of a report: exact, and bounded however much comes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Tally } from '../../../receiver/report/tally.ts';
import { MAX_SLICES, Slices, TimeAxis } from '../../../receiver/report/time-axis.ts';
import { TopList } from '../../../receiver/report/top-list.ts';

const START = 1_700_000_000_000;

describe('slices of time', () => {
  it('are of a second while that is enough', () => {
    const axis = new TimeAxis(START);
    assert.deepEqual(
      [axis.sliceOf(START), axis.sliceOf(START + 999), axis.sliceOf(START + 1_000)],
      [0, 0, 1],
    );
    assert.equal(axis.widthMs, 1_000);
  });

  it('take what was before the beginning into the first', () => {
    assert.equal(new TimeAxis(START).sliceOf(START - 5_000), 0);
  });

  it('become as long as it takes, and lose nothing when they do', () => {
    const axis = new TimeAxis(START);
    const [early, late] = [new Slices(axis), new Slices(axis)];
    for (let second = 0; second < MAX_SLICES; second += 1) early.add(START + second * 1_000, second);
    const sum = early.total;
    late.add(START + 86_400_000 - 1, 7);
    assert.equal(axis.widthMs, 1_024_000);
    const counts = early.counts(MAX_SLICES);
    assert.deepEqual([counts[0], counts.length], [sum, MAX_SLICES]);
    assert.equal(
      counts.reduce((all, each) => all + each),
      sum,
    );
    assert.equal(late.counts(MAX_SLICES)[84], 7);
  });

  it('put two neighbours together, each into its half', () => {
    const axis = new TimeAxis(START);
    const slices = new Slices(axis);
    for (const [second, count] of [
      [0, 1],
      [1, 10],
      [2, 100],
      [95, 1_000],
    ] as const)
      slices.add(START + second * 1_000, count);
    axis.sliceOf(START + MAX_SLICES * 1_000);
    const counts = slices.counts(48);
    assert.deepEqual([counts[0], counts[1], counts[47]], [11, 100, 1_000]);
    slices.add(START + 2_500, 5);
    assert.equal(slices.counts(48)[1], 105);
  });
});

describe('a sum by name', () => {
  it('has the largest, and all others together', () => {
    const tally = new Tally(new TimeAxis(START));
    for (let name = 1; name <= 8; name += 1) tally.add(`n${name}`, START, name);
    tally.add('n8', START + 1_000, 1);
    tally.add('nothing', START, 0);
    const { total, parts, others } = tally.breakdown(2, 3);
    assert.equal(total, 37);
    assert.deepEqual(parts, [
      { name: 'n8', total: 9, slices: [8, 1] },
      { name: 'n7', total: 7, slices: [7, 0] },
      { name: 'n6', total: 6, slices: [6, 0] },
    ]);
    assert.deepEqual(others, { names: 5, isUncounted: false, total: 15, slices: [15, 0] });
  });

  it('knows so many names, and of the rest the sum', () => {
    const tally = new Tally(new TimeAxis(START), 10);
    for (let name = 0; name < 100_000; name += 1) tally.add(`n${name}`, START + name, 1);
    const { total, parts, others } = tally.breakdown(100, 3);
    assert.deepEqual([total, parts.length, others.names, others.isUncounted], [100_000, 3, 7, true]);
    assert.equal(others.total, 100_000 - 3);
    assert.equal(
      others.slices.reduce((sum, each) => sum + each),
      others.total,
    );
  });
});

describe('a ranking', () => {
  it('keeps the highest in their order, the first of those that are alike, and counts the rest', () => {
    const top = new TopList<string>(3);
    for (const [row, rank] of [
      ['a', 1],
      ['b', 5],
      ['c', 5],
      ['d', 3],
      ['e', 9],
    ] as const)
      top.offer(row, rank);
    assert.deepEqual(top.ranking(), { rows: ['e', 'b', 'c'], more: 2 });
  });

  it('looks at the next rank where the first are equal', () => {
    const top = new TopList<string>(2);
    top.offer('a', 1, 0);
    top.offer('b', 1, 2);
    top.offer('c', 1, 1);
    assert.deepEqual(top.ranking(), { rows: ['b', 'c'], more: 1 });
  });
});
