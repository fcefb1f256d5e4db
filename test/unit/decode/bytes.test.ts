import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readAddress, readHex, readText } from '../../../receiver/decode/bytes.ts';

function viewOf(...bytes: number[]): DataView {
  return new DataView(Uint8Array.from(bytes).buffer);
}

/** 16 bytes of eight 16-bit groups in network order. */
function v6(...groups: number[]): string {
  return readAddress(viewOf(...groups.flatMap((group) => [group >> 8, group & 0xff])), 0, 6);
}

describe('readAddress', () => {
  it('writes IPv4 in four decimals', () => {
    assert.equal(readAddress(viewOf(9, 192, 0, 2, 255), 1, 4), '192.0.2.255');
    assert.equal(readAddress(viewOf(0, 0, 0, 0), 0, 4), '0.0.0.0');
  });

  it('keeps IPv4 addresses apart, whichever came before', () => {
    const byte = fc.constantFrom(0, 1, 127, 128, 255);
    fc.assert(
      fc.property(fc.array(fc.tuple(byte, byte, byte, byte), { minLength: 2 }), (addresses) => {
        const texts = addresses.map((address) => readAddress(viewOf(...address), 0, 4));
        assert.deepEqual(
          texts,
          addresses.map((address) => address.join('.')),
        );
      }),
    );
  });

  it('writes IPv6 as RFC 5952 wants it', () => {
    // 4.1: no leading zeros. 4.2.1: `::` as short as can be. 4.3: lower case.
    assert.equal(v6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), '2001:db8::1');
    assert.equal(v6(0x2001, 0xdb8, 0, 0, 0, 0, 0xabcd, 0xef01), '2001:db8::abcd:ef01');
    assert.equal(v6(0, 0, 0, 0, 0, 0, 0, 0), '::');
    assert.equal(v6(0, 0, 0, 0, 0, 0, 0, 1), '::1');
    assert.equal(v6(0xff02, 0, 0, 0, 0, 0, 0, 0), 'ff02::');
    // 4.2.2: one group alone is not shortened.
    assert.equal(v6(0x2001, 0xdb8, 0, 1, 1, 1, 1, 1), '2001:db8:0:1:1:1:1:1');
    assert.equal(v6(0, 1, 1, 1, 1, 1, 1, 0), '0:1:1:1:1:1:1:0');
    // 4.2.3: the longest run; of equal ones the first.
    assert.equal(v6(0x2001, 0, 0, 1, 0, 0, 0, 1), '2001:0:0:1::1');
    assert.equal(v6(0x2001, 0xdb8, 0, 0, 1, 0, 0, 1), '2001:db8::1:0:0:1');
    assert.equal(v6(1, 2, 3, 4, 5, 6, 0, 0), '1:2:3:4:5:6::');
    assert.equal(v6(0, 0, 3, 4, 5, 6, 0, 0), '::3:4:5:6:0:0');
  });

  it('agrees with the URL parser for any IPv6 address', () => {
    const group = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const full = groups.map((each) => each.toString(16).padStart(4, '0')).join(':');
        assert.equal(`[${v6(...groups)}]`, new URL(`http://[${full}]/`).hostname);
      }),
      { numRuns: 500 },
    );
  });
});

it('readText ends at the first NUL, or where the field does', () => {
  assert.equal(readText(viewOf(65, 66, 0, 67), 0, 4), 'AB');
  assert.equal(readText(viewOf(65, 66, 67, 68), 1, 2), 'BC');
  assert.equal(readText(viewOf(0, 65), 0, 2), '');
});

it('readHex writes two lower-case digits a byte', () => {
  assert.equal(readHex(viewOf(0, 0x0a, 0xf0, 0xff), 1, 3), '0af0ff');
});
