import assert from 'node:assert/strict';
import { test } from 'node:test';

import { nativeError, openProbe, skip } from './probe.ts';

test('a program that user space calls answers, and changes its argument', { skip }, () => {
  using session = openProbe();
  const argument = BigUint64Array.of(59n, 0n, 0n);
  const bytes = new Uint8Array(argument.buffer);
  assert.throws(() => session.runProgram('wsn_sum', bytes), nativeError('ERR_NATIVE_STATE'));
  session.load();
  for (const [second, answer] of [
    [41n, 0],
    [42n, 1],
  ] as const) {
    argument[1] = second;
    assert.equal(session.runProgram('wsn_sum', bytes), answer);
    assert.equal(argument[2], 59n + second);
  }
  assert.throws(() => session.runProgram('wsn_sum', bytes.subarray(8)), nativeError('ERR_NATIVE_PROGRAM'));
  assert.throws(() => session.runProgram('wsn_tasks', bytes), nativeError('ERR_NATIVE_PROGRAM', 'wsn_tasks'));
  assert.throws(() => session.runProgram('wsn_none', bytes), nativeError('ERR_NATIVE_UNKNOWN'));
});
