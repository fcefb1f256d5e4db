import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskAddress } from '../../../receiver/correlate/mask.ts';

test('full leaves addresses alone and none leaves them out', () => {
  assert.equal(maskAddress('10.1.2.3', 'full'), '10.1.2.3');
  assert.equal(maskAddress('10.1.2.3', 'none'), undefined);
  assert.equal(maskAddress('', 'full'), undefined);
});

test('prefix keeps /24 and /48', () => {
  const expected: Record<string, string> = {
    '10.1.2.3': '10.1.2.0',
    '2001:db8:1:2:3:4:5:6': '2001:db8:1::',
    '2001:db8::1': '2001:db8::',
    '2001::5:6:7:8': '2001::',
    '2001:0:1:2::': '2001:0:1::',
    '::1': '::',
    '::': '::',
    'fe80::1%eth0': 'fe80::',
  };
  for (const [address, masked] of Object.entries(expected)) {
    assert.equal(maskAddress(address, 'prefix'), masked, address);
  }
});

test('groups behind the double colon count from the end', () => {
  assert.equal(maskAddress('1::2:3:4:5:6:7', 'prefix'), '1:0:2::');
});
