import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { wakeupRecord } from '../../fixtures/records/write-wakeup.ts';
import { decode, decodeOne, SOCKET, SOCKET_PART } from '../../support/decode-one.ts';

const RUNS = [
  { ns: 7_000_000n, thread: 12, pid: 11, command: 'cpu-hog' },
  { ns: 1n, thread: 0, pid: 0, command: 'swapper/3' },
];
const GIVEN = { ...SOCKET, wakeNs: 5_000n, runNs: 7_000_001n, thread: 43, cpu: 3, runs: RUNS };
const WAKER = { wakerPid: 9, wakerCpu: 2, woken: 5, waker: 'ksoftirqd/2' };

describe('wakeup records', () => {
  const expected = {
    kind: 'wakeup',
    ...SOCKET_PART,
    wakeNs: 5_000n,
    runNs: 7_000_001n,
    thread: 43,
    cpu: 3,
    runs: RUNS,
    hasMoreRuns: false,
  };
  const waker = { pid: 9, command: 'ksoftirqd/2', cpu: 2, woken: 5 };

  it('carry every field', () => {
    assert.deepEqual(decodeOne(wakeupRecord({ ...GIVEN, ...WAKER, inSoftirq: 1, vector: 3 })), {
      ...expected,
      waker: { ...waker, vector: 'net_rx' },
    });
    // What a task woke has no vector, whichever softirq was the last there.
    assert.deepEqual(decodeOne(wakeupRecord({ ...GIVEN, ...WAKER, vector: 3, more: 1 })), {
      ...expected,
      waker,
      hasMoreRuns: true,
    });
  });

  it('of an unknown vector are bad', () => {
    const record = wakeupRecord({ ...GIVEN, inSoftirq: 1, vector: 10 });
    assert.deepEqual(decode(record), { records: [], decoded: 0, bad: 1 });
  });
});
