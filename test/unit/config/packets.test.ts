import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load } from './sources.ts';

describe('settings of packets', () => {
  it('are all of one in 100 connections unless others are given', () => {
    assert.deepEqual(load().packets, { sample: 100, ports: [], address: undefined });
    const env = {
      WIRESPAN_PACKETS_SAMPLE: '1',
      WIRESPAN_PACKETS_PORTS: '80, 443',
      WIRESPAN_PACKETS_ADDRESS: '::1',
    };
    assert.deepEqual(load({ env }).packets, { sample: 1, ports: [80, 443], address: '::1' });
  });

  it('say what does not fit', () => {
    for (const [name, value, words] of [
      ['PORTS', '1,2,3,4,5', /be at most 4 ports/],
      ['PORTS', '0', /be ports from 1 to 65535/],
      ['ADDRESS', '10.0.0.0/8', /be an IP address without a zone, or any/],
      ['ADDRESS', 'fe80::1%eth0', /be an IP address without a zone, or any/],
      ['SAMPLE', '0', /./],
    ] as const)
      assert.throws(() => load({ env: { [`WIRESPAN_PACKETS_${name}`]: value } }), words);
  });
});
