import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundsWatch, type MetBound } from '../../../receiver/agent/bounds.ts';

test('a bound that bites is told with what it kept out, and at most once a minute', () => {
  const told: MetBound[] = [];
  const watch = new BoundsWatch((met) => told.push(met));
  const look = (nowMs: number, series: number, ports: number): MetBound[] => {
    told.length = 0;
    watch.look({ series, ports }, nowMs);
    return [...told];
  };
  assert.deepEqual(look(0, 0, 0), []);
  assert.deepEqual(look(1_000, 7, 0), [{ bound: 'series', count: 7 }]);
  assert.deepEqual(look(60_999, 9, 2), [{ bound: 'ports', count: 2 }]);
  assert.deepEqual(look(61_000, 9, 2), [{ bound: 'series', count: 2 }]);
  assert.deepEqual(look(200_000, 9, 2), []);
});
