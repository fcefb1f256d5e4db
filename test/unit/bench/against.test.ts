import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { compare, orderOf, spreadOf, takePair, takePairs, type Pair } from '../../bench/against/pairs.ts';
import { commitOf } from '../../bench/against/revision.ts';
import { readParameters } from '../../bench/parameters.ts';
import { Cleanup } from '../../support/cleanup.ts';

const pairOf = (against: number, tree: number): Pair => ({ against: { ms: against }, tree: { ms: tree } });

const NAMES = { against: 'A', tree: 'B' };

describe('bench against: the arithmetic', () => {
  it('a spread has extremes, quartiles and the median, in any order of samples', () => {
    assert.deepEqual(spreadOf([9, 1, 5, 3]), {
      least: 1,
      lowerQuartile: 2,
      median: 4,
      upperQuartile: 7,
      most: 9,
    });
    assert.deepEqual(spreadOf([7]), { least: 7, lowerQuartile: 7, median: 7, upperQuartile: 7, most: 7 });
    assert.deepEqual(
      Object.values(spreadOf([])).map((value) => Number.isNaN(value)),
      [true, true, true, true, true],
    );
  });

  it('the ratio is of pairs, not of the medians: a machine that becomes slower changes nothing', () => {
    const { against, tree, ratio, pairs } = compare([pairOf(10, 5), pairOf(40, 20), pairOf(100, 50)], 'ms');
    assert.equal(against.median, 40);
    assert.equal(tree.median, 20);
    assert.deepEqual([ratio.least, ratio.median, ratio.most, pairs], [0.5, 0.5, 0.5, 3]);
  });

  it('the ratio is what the working tree takes of what the other takes', () => {
    const { ratio } = compare([pairOf(10, 3), pairOf(10, 30), pairOf(10, 6)], 'ms');
    assert.deepEqual([ratio.least, ratio.median, ratio.most], [0.3, 0.6, 3]);
  });

  it('a figure that was not measured has no ratio', () => {
    assert.ok(Number.isNaN(compare([pairOf(1, 1)], 'other').ratio.median));
  });
});

describe('bench against: the pairing', () => {
  it('each side begins every other time', () => {
    assert.deepEqual([0, 1, 2].map(orderOf), [
      ['against', 'tree'],
      ['tree', 'against'],
      ['against', 'tree'],
    ]);
  });

  it('takes both sides in each turn, and a pair is the medians of its turns', async () => {
    const taken: string[] = [];
    const measure = (side: string): Promise<{ ms: number }> => {
      taken.push(side);
      // One straggler, and a drift that the order spreads over both sides.
      return Promise.resolve({ ms: taken.length === 2 ? 1000 : taken.length });
    };
    const pairs = [await takePair(0, 3, NAMES, measure), await takePair(1, 3, NAMES, measure)];
    assert.equal(taken.join(''), 'ABBAAB' + 'BAABBA');
    assert.deepEqual(pairs, [pairOf(4, 6), pairOf(9, 10)]);
  });

  it('of many pairs each side begins half', async () => {
    let at = 0;
    const pairs = await takePairs(3, NAMES, () => Promise.resolve({ ms: (at += 1) }));
    assert.deepEqual(pairs, [pairOf(1, 2), pairOf(4, 3), pairOf(5, 6)]);
  });
});

describe('bench against: the command line', () => {
  const known = ['http', 'soak', 'against'];

  it('takes a revision, and names of parts', () => {
    const { sections, scale } = readParameters(
      ['against', 'HEAD~2', '--parts', 'bpf,sent', '--quick'],
      known,
    );
    assert.deepEqual(sections, ['against']);
    assert.equal(scale.against, 'HEAD~2');
    assert.deepEqual(scale.parts, ['bpf', 'sent']);
    assert.equal(readParameters(['http', 'against', '.'], known).scale.against, '.');
  });

  for (const args of [['against'], ['against', '--quick'], ['against', '']])
    it(`'${args.join(' ')}' needs a revision`, () => {
      assert.throws(() => readParameters(args, known), {
        message: "'against' needs a revision of this repository, or . for a copy of the working tree",
      });
    });

  it('a part that is not there is refused with those that are', () => {
    assert.throws(() => readParameters(['against', '.', '--parts=bpf,memory'], known), {
      message:
        "against has no part 'memory'; the parts are: bpf, processors, rest, starts, sent, peaks, collection",
    });
  });
});

describe('bench against: the revision', () => {
  const cleanup = new Cleanup();
  let whole = '';
  let shallow = '';
  let bare = '';
  const git = (cwd: string, ...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example', ...args], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();

  before(() => {
    const folder = cleanup.makeFolder('wirespan-against-');
    [whole, shallow, bare] = [join(folder, 'whole'), join(folder, 'shallow'), cleanup.makeFolder()];
    git(folder, 'init', '--quiet', whole);
    for (const text of ['first', 'second']) {
      writeFileSync(join(whole, 'file'), text);
      git(whole, 'add', 'file');
      git(whole, 'commit', '--quiet', '--message', text);
    }
    git(folder, 'clone', '--quiet', '--depth=1', `file://${whole}`, shallow);
  });
  after(() => cleanup.run());

  it('is a commit of this repository by any of its names', () => {
    const first = git(whole, 'rev-parse', 'HEAD~1');
    assert.equal(commitOf(whole, 'HEAD~1'), first);
    assert.equal(commitOf(whole, first.slice(0, 8)), first);
  });

  it('is refused in one sentence when there is none', () => {
    for (const revision of ['e0f2aec', '--all', 'HEAD:file'])
      assert.throws(() => commitOf(whole, revision), {
        message: `this repository has no revision '${revision}'`,
      });
  });

  it('is refused in a shallow clone, with what to do', () => {
    const first = git(whole, 'rev-parse', 'HEAD~1');
    assert.throws(() => commitOf(shallow, first), {
      message: `this clone is shallow and does not have the revision '${first}': run 'git fetch --unshallow' first`,
    });
  });

  it('is refused where there is no history', () => {
    assert.throws(() => commitOf(bare, 'HEAD'), {
      message: `${bare} is no git repository, so there is no revision 'HEAD' to build`,
    });
  });
});
