import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { judgeFailure, judgeStatus } from '../../../receiver/export/failure.ts';

/** Longest wait that a timer takes, milliseconds. */
const MAX_WAIT_MS = 2 ** 31 - 1;

function field(number: number, bytes: Buffer): Buffer {
  const length = Buffer.from([0x80 | (bytes.length & 127), bytes.length >> 7]);
  return Buffer.concat([Buffer.from([number * 8 + 2]), length, bytes]);
}

/** A RetryInfo whose seconds are `length` bytes, each a zero that says that more follows. */
function longSeconds(length: number): Buffer {
  const seconds = Buffer.concat([Buffer.from([0x08]), Buffer.alloc(length, 0x80), Buffer.alloc(1)]);
  const type = Buffer.from('type.googleapis.com/google.rpc.RetryInfo');
  return field(3, Buffer.concat([field(1, type), field(2, field(1, seconds))]));
}

function waitOf(result: ReturnType<typeof judgeStatus | typeof judgeFailure>): number {
  assert.equal(result.status, 'retry');
  return result.status === 'retry' ? result.afterMs : NaN;
}

test('seconds of a RetryInfo that never end are no time to wait', () => {
  for (const length of [1, 9, 10, 160, 2_000]) {
    const metadata = { get: () => [longSeconds(length)] };
    const error = Object.assign(new Error('full'), { code: status.UNAVAILABLE, details: 'full', metadata });
    assert.equal(waitOf(judgeFailure(error)), 0, `${String(length)} bytes`);
  }
});

const headers: Readonly<Record<string, number>> = {
  [`${'9'.repeat(400)}`]: MAX_WAIT_MS,
  '99999999999': MAX_WAIT_MS,
  'Fri, 31 Dec 9999 23:59:59 GMT': MAX_WAIT_MS,
  '3': 3_000,
  '-1': 0,
  soon: 0,
};

test('Retry-After is at most what a timer takes', () => {
  for (const [header, waitMs] of Object.entries(headers)) {
    const response = { statusCode: 503, headers: { 'retry-after': header } } as unknown as IncomingMessage;
    assert.equal(waitOf(judgeStatus(response, new Uint8Array())), waitMs, header);
  }
});
