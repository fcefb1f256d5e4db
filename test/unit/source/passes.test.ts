import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Passes } from '../../../receiver/source/passes.ts';

/**
 * What runs, in order; each pass finds the next of `doubts`, and a walk over files the next of `unheld`. `unsure`: by
 * pass, what came in before it and is not sure.
 */
function runsOf(
  passes: number,
  doubts: number[],
  unheld: number[],
  unsure: readonly number[] = [],
): string[] {
  const variables = new Map<string, number>();
  const runs: string[] = [];
  const session = {
    setVariable: (name: string, bytes: Uint8Array) => void variables.set(name, bytes[0] ?? 0),
    getVariable: (name: string, into: Uint8Array) => into.set([variables.get(name) ?? 0]),
    runIterator(program: string) {
      const isAgain = variables.get('pass_again') === 1;
      const isSettling = variables.get('holders_settle') === 1;
      if (program === 'unsure') {
        runs.push('unsure');
      } else if (program === 'holders') {
        runs.push(isSettling ? 'settle' : 'look');
        if (!isSettling) variables.set('holders_unheld', unheld.shift() ?? 0);
      } else {
        runs.push(isAgain ? 'again' : 'pass');
        if (!isAgain) variables.set('pass_doubts', doubts.shift() ?? 0);
      }
      return new Uint8Array(0);
    },
    mapInfo: () => assert.fail('no table here'),
  };
  const walks = new Passes(session as unknown as ConstructorParameters<typeof Passes>[0], {
    pass: ['program'],
    settle: ['unsure'],
    holders: ['holders'],
  });
  for (let i = 0; i < passes; i += 1) {
    if (unsure[i] !== undefined) variables.set('unsure_seen', unsure[i] ?? 0);
    walks.run(1n);
  }
  return runs;
}

describe('a pass', () => {
  it('asks no files where no owner is in doubt', () => {
    assert.deepEqual(runsOf(2, [0, 0], []), ['pass', 'pass']);
  });

  it('decides what is not sure, where there is something, once', () => {
    assert.deepEqual(runsOf(3, [0, 0, 0], [], [0, 1]), ['pass', 'unsure', 'pass', 'pass']);
  });

  it('asks once where all owners still have theirs, and meets again what waited', () => {
    assert.deepEqual(runsOf(2, [3, 0], [0]), ['pass', 'look', 'again', 'pass']);
  });

  it('asks twice where one has let go of it', () => {
    assert.deepEqual(runsOf(1, [3], [1]), ['pass', 'look', 'settle', 'again']);
  });
});
