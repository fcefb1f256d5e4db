import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { u32, u64 } from '../../../receiver/source/number-bytes.ts';
import { subnetKey } from '../../../receiver/source/subnet.ts';

/** `struct subnet_key`: u32 bits, then 16 bytes of address. */
function keyOf(
  address: string,
  prefixLength: number,
  family: 'ipv4' | 'ipv6',
): [bits: number, address: string] {
  const key = Buffer.from(subnetKey({ address, prefixLength, family }));
  assert.equal(key.length, 20);
  return [key.readUInt32LE(0), key.subarray(4).toString('hex')];
}

describe('subnetKey', () => {
  it('puts IPv4 below ::ffff:0:0/96', () => {
    assert.deepEqual(keyOf('192.0.2.0', 24, 'ipv4'), [120, '00000000000000000000ffffc0000200']);
    assert.deepEqual(keyOf('0.0.0.0', 0, 'ipv4'), [96, '00000000000000000000ffff00000000']);
  });

  it('reads IPv6 however it is written', () => {
    const full = '20010db8000000000000000000000001';
    for (const text of ['2001:db8::1', '2001:DB8:0:0::1', '2001:0db8:0:0:0:0:0:1'])
      assert.deepEqual(keyOf(text, 64, 'ipv6'), [64, full], text);
    assert.deepEqual(keyOf('::', 0, 'ipv6'), [0, '0'.repeat(32)]);
    assert.deepEqual(keyOf('fe80::', 10, 'ipv6'), [10, `fe80${'0'.repeat(28)}`]);
    assert.deepEqual(keyOf('::1', 128, 'ipv6'), [128, `${'0'.repeat(31)}1`]);
    assert.deepEqual(keyOf('64:ff9b::192.0.2.33', 96, 'ipv6'), [96, '0064ff9b0000000000000000c0000221']);
  });

  it('reads any IPv6 address as the URL parser shortens it', () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const full = groups.map((each) => each.toString(16).padStart(4, '0'));
        const short = new URL(`http://[${full.join(':')}]/`).hostname.slice(1, -1);
        assert.deepEqual(keyOf(short, 128, 'ipv6'), [128, full.join('')]);
      }),
    );
  });
});

it('u32 and u64 are little-endian', () => {
  assert.deepEqual([...u32(0x0a0b0c0d)], [0x0d, 0x0c, 0x0b, 0x0a]);
  assert.deepEqual([...u64(0x0102030405060708n)], [8, 7, 6, 5, 4, 3, 2, 1]);
});
