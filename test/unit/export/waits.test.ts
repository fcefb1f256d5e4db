import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { judgeFailure, judgeStatus } from '../../../receiver/export/failure.ts';

/** Longest wait that a collector is granted, milliseconds. */
const MAX_PAUSE_MS = 600_000;

function field(number: number, bytes: Buffer): Buffer {
  const length = Buffer.from([0x80 | (bytes.length & 127), bytes.length >> 7]);
  return Buffer.concat([Buffer.from([number * 8 + 2]), length, bytes]);
}

/** A `Status` with a RetryInfo of this `Duration`. */
function retryInfo(duration: Buffer): Buffer {
  const type = Buffer.from('type.googleapis.com/google.rpc.RetryInfo');
  return field(3, Buffer.concat([field(1, type), field(2, field(1, duration))]));
}

/** A RetryInfo whose seconds are `length` bytes, each a zero that says that more follows. */
function longSeconds(length: number): Buffer {
  return retryInfo(Buffer.concat([Buffer.from([0x08]), Buffer.alloc(length, 0x80), Buffer.alloc(1)]));
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

test('a RetryInfo may ask for any time, also for less than none', () => {
  const cases: [seconds: number[], waitMs: number][] = [
    [[0x05], 5_000],
    [[0xff, 0xff, 0x7f], MAX_PAUSE_MS],
    [[...Array<number>(9).fill(0xff), 0x01], 0],
  ];
  for (const [seconds, waitMs] of cases) {
    const metadata = { get: () => [retryInfo(Buffer.from([0x08, ...seconds]))] };
    const error = Object.assign(new Error('full'), { code: status.UNAVAILABLE, details: 'full', metadata });
    assert.equal(waitOf(judgeFailure(error)), waitMs, String(seconds));
  }
});

const FROM_2010 = 'Fri, 01 Jan 2010 00:00:00 GMT';
const headers: readonly [header: string, waitMs: number, date?: string][] = [
  ['9'.repeat(400), MAX_PAUSE_MS],
  ['99999999999', MAX_PAUSE_MS],
  ['Fri, 31 Dec 9999 23:59:59 GMT', MAX_PAUSE_MS],
  [' 3 ', 3_000],
  ['0', 0],
  ['-1', 0],
  ['1.5', 0],
  ['soon', 0],
  ['in 2100', 0],
  [FROM_2010, 0],
  // The server's clock is not ours.
  ['Fri, 01 Jan 2010 00:00:07 GMT', 7_000, FROM_2010],
  ['Friday, 01-Jan-10 00:00:07 GMT', 7_000, FROM_2010],
  [FROM_2010, 0, 'Fri, 01 Jan 2010 00:00:07 GMT'],
];

test('Retry-After is a time from none to ten minutes', () => {
  for (const [header, waitMs, date] of headers) {
    const response = {
      statusCode: 503,
      headers: { 'retry-after': header, date },
    } as unknown as IncomingMessage;
    assert.equal(waitOf(judgeStatus(response, new Uint8Array())), waitMs, `${header} ${date ?? ''}`);
  }
});
