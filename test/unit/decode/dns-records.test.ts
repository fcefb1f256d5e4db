import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dnsRecord } from '../../fixtures/records/write-dns.ts';
import { decodeOne } from '../../support/decode-one.ts';

const MOST = 1_232;

describe('records of what name servers answer', () => {
  it('have the message, as long as it is', () => {
    const message = Uint8Array.from({ length: MOST }, (_, i) => i & 0xff);
    for (const length of [0, 12, MOST])
      assert.deepEqual(decodeOne(dnsRecord({ timeNs: 77n, message: message.subarray(0, length) })), {
        kind: 'dns_answer',
        timeNs: 77n,
        message: message.subarray(0, length),
      });
  });

  it('of a longer one say that there was one', () => {
    assert.deepEqual(decodeOne(dnsRecord({ timeNs: 77n, length: MOST + 1 })), {
      kind: 'dns_answer',
      timeNs: 77n,
    });
  });
});
