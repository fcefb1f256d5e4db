import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nearest } from '../../../config/nearest.ts';

describe('nearest', () => {
  it('prefers a key that ends with what was given', () =>
    assert.equal(nearest('level', ['lever', 'log.level']), 'log.level'));
  it('takes the fewest edits', () => assert.equal(nearest('evnts', ['events', 'spans']), 'events'));
  it('finds nothing among nothing', () => assert.equal(nearest('a', []), undefined));
  it('is quick on absurd input', () => assert.equal(nearest('x'.repeat(1e6), ['x']), 'x'));
});
