import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import stringWidth from 'string-width';
import {
  cut,
  humanBytes,
  humanCount,
  humanDuration,
  humanRate,
  printable,
} from '../../../receiver/cli/human.ts';

describe('human units', () => {
  it('of bytes', () =>
    assert.deepEqual(
      [0, 999, 1023, 1024, 1536, 1048524, 1048576, 235 * 2 ** 20, 5 * 2 ** 60].map(humanBytes),
      ['0 B', '999 B', '1023 B', '1.0 KiB', '1.5 KiB', '1.0 MiB', '1.0 MiB', '235 MiB', '5120 PiB'],
    ));
  it('of counts', () =>
    assert.deepEqual([0, 99_999, 100_000, 4_560_000, 999_960].map(humanCount), [
      '0',
      '99999',
      '100k',
      '4.6M',
      '1.0M',
    ]));
  it('of rates', () =>
    assert.deepEqual([0, 0.04, 0.25, 9.94, 9.96, 1234].map(humanRate), [
      '0',
      '0.0',
      '0.3',
      '9.9',
      '10',
      '1234',
    ]));
  it('of time', () =>
    assert.deepEqual([0, 0.085, 0.9996, 1.25, 99.96, 340, 999.6, 2500].map(humanDuration), [
      '0 µs',
      '85 µs',
      '1.0 ms',
      '1.3 ms',
      '100 ms',
      '340 ms',
      '1.0 s',
      '2.5 s',
    ]));
});

describe('cut', () => {
  it('keeps what fits and marks what does not', () => {
    assert.equal(cut('nginx', 5), 'nginx');
    assert.equal(cut('nginx', 4), 'ngi…');
    assert.equal(cut('nginx', 0), '');
    assert.equal(cut('日本語', 5), '日本…');
  });
  it('never exceeds its width, whatever a process is named', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(40), (name, width) => {
        const text = cut(printable(name), width);
        assert.ok(stringWidth(text) <= width);
        assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });
});
