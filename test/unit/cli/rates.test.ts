import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RowRates } from '../../../receiver/cli/rates.ts';
import { row } from './rows.ts';

describe('rates of rows', () => {
  const first = row({ opened: 10, bytesSent: 1000, bytesReceived: 7 });

  it('are not there in the first frame', () => assert.deepEqual(new RowRates().next([first], 5), [first]));

  it('are what was gained over the time that it took', () => {
    const rates = new RowRates();
    rates.next([first], 1000);
    const second = row({ opened: 13, bytesSent: 2000, bytesReceived: 7 });
    assert.deepEqual(rates.next([second], 3000)[0]?.rates, { opened: 1.5, bytesSent: 500, bytesReceived: 0 });
    assert.deepEqual(rates.next([second], 4000)[0]?.rates, { opened: 0, bytesSent: 0, bytesReceived: 0 });
  });

  it('are all that a row has which is new, or whose counts began anew', () => {
    const rates = new RowRates();
    rates.next([first], 0);
    const rows = [row({ opened: 2 }), row({ pid: 2, opened: 4 })];
    assert.deepEqual(
      rates.next(rows, 500).map((each) => each.rates?.opened),
      [4, 8],
    );
  });
});
