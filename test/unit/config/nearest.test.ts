import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { editDistance, nearest } from '../../../config/nearest.ts';

describe('editDistance', () => {
  it('counts single edits', () => {
    assert.equal(editDistance('kitten', 'sitting'), 3);
    assert.equal(editDistance('', 'abc'), 3);
    assert.equal(editDistance('abc', ''), 3);
  });
  it('is a metric', () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        assert.equal(editDistance(a, b), editDistance(b, a));
        assert.equal(editDistance(a, b) === 0, a === b);
        assert.ok(editDistance(a, c) <= editDistance(a, b) + editDistance(b, c));
      }),
    );
  });
});

describe('nearest', () => {
  it('prefers a key that ends with what was given', () =>
    assert.equal(nearest('level', ['lever', 'log.level']), 'log.level'));
  it('takes the fewest edits', () => assert.equal(nearest('evnts', ['events', 'spans']), 'events'));
  it('finds nothing among nothing', () => assert.equal(nearest('a', []), undefined));
  it('is quick on absurd input', () => assert.equal(nearest('x'.repeat(1e6), ['x']), 'x'));
});
