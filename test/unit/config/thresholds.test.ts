import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { threshold } from '../../../config/format-threshold.ts';
import { load } from './sources.ts';

describe('thresholds', () => {
  it('are milliseconds, or have a unit', () => {
    const given = ['0', 7, '7', '0.05', 0.05, '50us', '2ms', '1.5s', '1m', '3600s', ' 10 MS '];
    assert.deepEqual(
      given.map((value) => threshold.read(value)),
      [0, 7, 7, 0.05, 0.05, 0.05, 2, 1_500, 60_000, 3_600_000, 10],
    );
  });

  it('are whole microseconds from 0 to an hour', () => {
    for (const value of ['', 'x', '-1', -1, '0.5us', '0.0001', '1h', '3601s', '1e3', undefined, [], NaN])
      assert.throws(() => threshold.read(value), /be a time of whole microseconds from 0 to an hour/);
  });

  it('come from every source, and have defaults', () => {
    const { thresholds } = load({ env: { WIRESPAN_THRESHOLDS_SOFTIRQ_RUN: '20us' } });
    assert.deepEqual(thresholds, {
      handshake: 500,
      acceptQueue: 100,
      receiveQueue: 0,
      rtt: 500,
      exchange: 500,
      softirqRun: 0.02,
      softirqWait: 10,
      wakeup: 10,
      zeroWindow: 10,
      packetStage: 10,
    });
  });
});
