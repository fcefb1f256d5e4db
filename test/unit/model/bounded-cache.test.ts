import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundedCache } from '../../../receiver/model/bounded-cache.ts';

test('never holds more than its bound and counts what made room', () => {
  const evicted: string[] = [];
  const cache = new BoundedCache<string, number>(2, (_value, key) => evicted.push(key));
  for (const [value, key] of ['a', 'b', 'c', 'd'].entries()) cache.set(key, value);
  assert.equal(cache.size, 2);
  assert.equal(cache.evictions, 2);
  assert.deepEqual(evicted, ['a', 'b']);
  assert.equal(cache.get('d'), 3);
});

test('an entry that was read outlives one that was not', () => {
  const cache = new BoundedCache<string, number>(2);
  cache.set('read', 1);
  cache.set('idle', 2);
  cache.get('read');
  cache.set('new', 3);
  assert.equal(cache.get('idle'), undefined);
  assert.equal(cache.get('read'), 1);
});

test('makes room when every entry was read', () => {
  const cache = new BoundedCache<number, number>(3);
  for (const key of [1, 2, 3]) cache.set(key, key);
  for (const key of [1, 2, 3]) cache.get(key);
  cache.set(4, 4);
  assert.equal(cache.size, 3);
  assert.equal(cache.get(4), 4);
});

test('replacing and deleting evict nothing', () => {
  const cache = new BoundedCache<string, number>(1);
  cache.set('a', 1);
  cache.set('a', 2);
  assert.equal(cache.get('a'), 2);
  assert.equal(cache.delete('a'), true);
  assert.equal(cache.size, 0);
  assert.equal(cache.evictions, 0);
});

test('a long run of reads, deletions and new keys keeps to the bound and evicts oldest first', () => {
  const evicted: number[] = [];
  const cache = new BoundedCache<number, number>(10, (_value, key) => evicted.push(key));
  for (let key = 0; key < 1_000; key += 1) {
    cache.set(key, key);
    if (key % 7 === 0) cache.delete(key - 3);
    cache.get(0);
    assert.ok(cache.size <= 10);
  }
  assert.equal(cache.get(0), 0, 'read each time, so it stays');
  assert.deepEqual(
    evicted,
    evicted.toSorted((left, right) => left - right),
  );
  assert.equal(evicted.length, cache.evictions);
});

test('entries are told oldest first, and may be deleted meanwhile', () => {
  const cache = new BoundedCache<number, number>(10);
  for (const key of [1, 2, 3]) cache.set(key, 10 * key);
  cache.get(1);
  assert.deepEqual(cache.oldest(), [2, 20]);
  const met: number[] = [];
  for (const [key] of cache.entries()) {
    met.push(key);
    cache.delete(key);
  }
  assert.deepEqual(met, [2, 3, 1]);
  assert.equal(cache.oldest(), undefined);
});

test('a bound can be of weights: what is too heavy for it is not kept, and counted', () => {
  const evicted: string[] = [];
  const cache = new BoundedCache<string, string>(
    10,
    (_value, key) => evicted.push(key),
    (value) => value.length,
  );
  cache.set('a', '12345');
  cache.set('b', '12345');
  assert.equal(cache.weight, 10);
  cache.set('c', '123456');
  assert.deepEqual(evicted, ['a', 'b']);
  assert.equal(cache.weight, 6);
  cache.set('d', '12345678901');
  assert.equal(cache.get('d'), undefined);
  assert.equal(cache.evictions, 3);
});

test('who is told of an eviction may use the cache', () => {
  const cache: BoundedCache<number, number> = new BoundedCache(2, (_value, key) => {
    assert.equal(cache.get(key), undefined);
    cache.delete(key + 1);
  });
  for (const key of [1, 2, 3]) cache.set(key, key);
  assert.deepEqual(
    cache.entries().map(([key]) => key),
    [3],
  );
  cache.evictOldest();
  assert.equal(cache.size, 0);
  assert.equal(cache.evictions, 2);
});
