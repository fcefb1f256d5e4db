import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Signal } from '../../../receiver/export/options.ts';
import { mergeRejections } from '../../../receiver/export/rejection.ts';

test('rejections are told once per signal and 10 s, their items summed', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const told: [Signal, number, string][] = [];
  const { add, flush } = mergeRejections((...rejection) => told.push(rejection));
  const take = (): unknown => told.splice(0);

  add('logs', 3, 'too old');
  add('logs', 4, 'too old');
  add('traces', 1, 'not allowed');
  add('logs', 5, 'too large');
  assert.deepEqual(take(), [
    ['logs', 3, 'too old'],
    ['traces', 1, 'not allowed'],
  ]);
  t.mock.timers.tick(9_999);
  assert.deepEqual(take(), []);
  t.mock.timers.tick(1);
  assert.deepEqual(take(), [['logs', 9, 'too large']]);
  // The window of what was just told is open; that of the quiet signal is not.
  add('logs', 2, 'too old');
  add('traces', 6, 'not allowed');
  assert.deepEqual(take(), [['traces', 6, 'not allowed']]);
  flush();
  assert.deepEqual(take(), [['logs', 2, 'too old']]);
  t.mock.timers.tick(60_000);
  assert.deepEqual(take(), [], 'nothing is told twice');
});
