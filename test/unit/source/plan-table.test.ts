import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withBestPlan, type KernelAnswers } from '../../../receiver/source/plan.ts';
import { LINUX_6_12 } from './kernels.ts';
import { answersOf, EVERYTHING } from './plan-for.ts';

test('sockets are kept in their storage when the table turns out to be refused', () => {
  const kernel = answersOf(LINUX_6_12);
  let isRefused = false;
  const answers: KernelAnswers = {
    ...kernel,
    canLoad: (program) =>
      isRefused && program === 'ws_pass_table' ? { ok: false, why: 'errno 22' } : kernel.canLoad(program),
    learn: () => {
      isRefused = true;
      return 'ws_pass_table';
    },
  };
  const tried: [boolean, readonly string[]][] = [];
  withBestPlan(answers, EVERYTHING, ({ isConnTable, iterators }) => {
    tried.push([isConnTable, iterators.pass]);
    if (isConnTable) throw new Error('refused');
  });
  assert.deepEqual(tried, [
    [true, ['ws_pass_table']],
    [false, ['ws_pass']],
  ]);
});
