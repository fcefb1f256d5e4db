import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_OWNER } from '../../../receiver/decode/owners.ts';
import { latencyRecord, softirqRecord } from '../../fixtures/records/write-records.ts';
import { decode, decodeOne, SOCKET, SOCKET_PART } from '../../support/decode-one.ts';

describe('latency records', () => {
  it('carry every field', () => {
    for (const [what, name] of ['handshake', 'accept_queue', 'receive_queue', 'rtt'].entries())
      assert.deepEqual(decodeOne(latencyRecord({ ...SOCKET, what, valueNs: 1_500_000_001n })), {
        kind: 'latency',
        ...SOCKET_PART,
        what: name,
        valueNs: 1_500_000_001n,
      });
  });

  it('of an unknown kind are bad', () => {
    assert.deepEqual(decode(latencyRecord({ ...SOCKET, what: 4 })), { records: [], decoded: 0, bad: 1 });
  });
});

describe('softirq records', () => {
  it('carry every field', () => {
    const given = { timeNs: 42n, valueNs: 10_000_001n, vector: 3, cpu: 259 };
    const expected = {
      kind: 'softirq',
      timeNs: 42n,
      owner: NO_OWNER,
      vector: 'net_rx',
      cpu: 259,
    };
    const runNs = 10_000_001n;
    assert.deepEqual(decodeOne(softirqRecord(given)), { ...expected, runNs });
    for (const waitNs of [0n, 20_000_003n])
      assert.deepEqual(decodeOne(softirqRecord({ ...given, waitNs })), { ...expected, runNs, waitNs });
    // As earlier versions recorded a wait.
    assert.deepEqual(decodeOne(softirqRecord({ ...given, waited: 1 })), { ...expected, waitNs: runNs });
  });

  it('of an unknown vector are bad', () => {
    assert.deepEqual(decode(softirqRecord({ vector: 10 })), { records: [], decoded: 0, bad: 1 });
  });
});
