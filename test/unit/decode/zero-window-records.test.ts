import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { zeroWindowRecord } from '../../fixtures/records/write-zero-window.ts';
import { CONTEXT, decode, decodeOne, REQUEST, SOCKET, SOCKET_PART } from '../../support/decode-one.ts';

const GIVEN = { ...SOCKET, closedNs: 5_000n, seq: 0xffff_fff0, waiting: 70_000, told: 3 };

describe('zero window records', () => {
  const expected = {
    kind: 'zero_window',
    ...SOCKET_PART,
    startNs: 5_000n,
    seq: 0xffff_fff0,
    bytesWaiting: 70_000,
    announcements: 3,
  };

  it('carry every field', () => {
    assert.deepEqual(decodeOne(zeroWindowRecord(GIVEN)), { ...expected, end: 'opened' });
    assert.deepEqual(decodeOne(zeroWindowRecord({ ...GIVEN, end: 1, stream: 7, context: CONTEXT })), {
      ...expected,
      end: 'reset',
      stream: 7,
      context: REQUEST,
    });
  });

  it('of an end that is not known are bad', () => {
    assert.deepEqual(decode(zeroWindowRecord({ ...GIVEN, end: 2 })), { records: [], decoded: 0, bad: 1 });
  });
});
