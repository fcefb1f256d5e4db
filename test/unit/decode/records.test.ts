import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OwnerTable } from '../../../receiver/decode/owners.ts';
import { decodeBatch } from '../../../receiver/signals/records.ts';
import {
  batchOf,
  connectionRecord,
  headed,
  ownerRecord,
  stateRecord,
} from '../../fixtures/records/write-records.ts';
import {
  CONTEXT,
  CURL,
  CURL_OWNER,
  decode,
  decodeOne,
  REQUEST,
  SOCKET,
  SOCKET_PART,
} from '../../support/decode-one.ts';

function closeWith(given: Parameters<typeof connectionRecord>[0]): Record<string, unknown> {
  return { ...decodeOne(connectionRecord({ ...SOCKET, what: 4, ...given })) };
}

describe('owner records', () => {
  const record = ownerRecord({ ...CURL, timeNs: 9n, command: 'curl', executable: 'curl-static' });

  it('carry every field', () => {
    assert.deepEqual(decodeOne(record), { kind: 'owner', owner: CURL_OWNER });
  });

  it('name the owner of the records behind them', () => {
    const owners = new OwnerTable(8, () => assert.fail('a record told it: the map is not asked'));
    const kinds: string[] = [];
    decodeBatch(batchOf(record, stateRecord(SOCKET)), owners, { decoded: 0, bad: 0 }, (each) => {
      kinds.push(each.kind);
      assert.deepEqual('owner' in each && each.owner, CURL_OWNER);
    });
    assert.deepEqual(kinds, ['owner', 'state']);
  });

  it('may fill both names to the last byte, and hold any bytes', () => {
    const full = { ...CURL, command: 'c'.repeat(16), executable: 'e'.repeat(32) };
    const first = decodeOne(ownerRecord(full));
    assert.ok(first.kind === 'owner');
    assert.deepEqual([first.owner.command, first.owner.executable], ['c'.repeat(16), 'e'.repeat(32)]);
    const odd = ownerRecord({ ...CURL, command: 'größe' });
    odd.set([0xff, 0xc3], 64);
    const second = decodeOne(odd);
    assert.ok(second.kind === 'owner');
    assert.deepEqual([second.owner.command, second.owner.executable], ['größe', '\ufffd\ufffd']);
  });
});

describe('connection records', () => {
  it('carry every field', () => {
    const record = connectionRecord({
      ...SOCKET,
      handshakeStartNs: 101n,
      establishedNs: 102n,
      acceptedNs: 103n,
      bytesSent: 0x1_0000_0000_0001n,
      bytesReceived: 105n,
      segmentsSent: 0x1_0000_006a,
      segmentsReceived: 107,
      segmentsRetransmitted: 108,
      rttSmoothedUs: 109,
      rttMinUs: 110,
      receiveWindowLimitedUs: 0x1_0000_0001n,
      segmentsOutOfOrder: 112,
      rtoUs: 113,
      synRetransmits: 111,
      what: 4,
      error: 104,
      reason: 3,
      preexisting: 1,
      context: CONTEXT,
    });
    assert.deepEqual(decodeOne(record), {
      kind: 'close',
      ...SOCKET_PART,
      handshakeStartNs: 101n,
      establishedNs: 102n,
      acceptedNs: 103n,
      error: 'connection_reset',
      closeReason: 'reset_received',
      bytesSent: 0x1_0000_0000_0001n,
      bytesReceived: 105n,
      segmentsSent: 0x1_0000_006a,
      segmentsReceived: 107,
      segmentsRetransmitted: 108,
      rttSmoothedUs: 109,
      rttMinUs: 110,
      receiveWindowLimitedUs: 0x1_0000_0001,
      segmentsOutOfOrder: 112,
      rtoUs: 113,
      synRetransmits: 111,
      context: REQUEST,
      preexisting: true,
    });
  });

  it('leave out what is not so', () => {
    const record = decodeOne(connectionRecord({ ...SOCKET, what: 1, role: 0, reason: 7 }));
    for (const absent of ['error', 'closeReason', 'context', 'role']) assert.ok(!(absent in record), absent);
    assert.ok(record.kind === 'open');
    assert.equal(record.preexisting, false);
  });

  it('are of six kinds', () => {
    const kinds = [1, 2, 3, 4, 5, 6].map((what) => decodeOne(connectionRecord({ ...SOCKET, what })).kind);
    assert.deepEqual(kinds, ['open', 'accept', 'fail', 'close', 'handshake', 'live']);
    for (const what of [0, 7, 255])
      assert.deepEqual(decode(connectionRecord({ ...SOCKET, what })), { records: [], decoded: 0, bad: 1 });
  });

  it('tell the close reason on a close only', () => {
    const reasons = [0, 1, 2, 3, 4, 5, 6, 7].map((reason) => closeWith({ reason })['closeReason']);
    assert.deepEqual(reasons, [
      'local_fin',
      'peer_fin',
      'reset_sent',
      'reset_received',
      'timeout',
      'process_exit',
      'other',
      'other',
    ]);
    assert.ok(!('closeReason' in closeWith({ reason: 8 })));
    assert.ok(!('closeReason' in decodeOne(connectionRecord({ ...SOCKET, what: 3, reason: 4 }))));
  });

  it('have no RTT where the kernel has no sample', () => {
    assert.equal(closeWith({ rttMinUs: 0xffffffff })['rttMinUs'], 0);
    assert.equal(closeWith({ rttMinUs: 0xfffffffe })['rttMinUs'], 0xfffffffe);
    assert.equal(closeWith({ rttSmoothedUs: 0 })['rttSmoothedUs'], 0);
  });

  it('have no count of segments out of order where the kernel has none', () => {
    assert.ok(!('segmentsOutOfOrder' in closeWith({ segmentsOutOfOrder: 0xffffffff })));
    assert.equal(closeWith({ segmentsOutOfOrder: 0 })['segmentsOutOfOrder'], 0);
  });

  it('keep 64 bits', () => {
    const { bytesSent, cookie } = closeWith({ bytesSent: 2n ** 64n - 1n, cookie: 2n ** 63n + 1n });
    assert.deepEqual([bytesSent, cookie], [2n ** 64n - 1n, 2n ** 63n + 1n]);
  });

  it('have a context with evidence only', () => {
    assert.ok(!('context' in closeWith({ context: { ...CONTEXT, found: 0 } })));
    assert.deepEqual(closeWith({ context: { ...CONTEXT, flags: 0xff, found: 200 } })['context'], {
      ...REQUEST,
      traceFlags: 0xff,
    });
    assert.ok(!('context' in closeWith({ context: { ...CONTEXT, method: 99 } })));
    assert.deepEqual(closeWith({ context: { ...CONTEXT, method: 2 } })['context'], {
      ...REQUEST,
      method: 'sdk_hook',
    });
  });
});

describe('kinds', () => {
  it('that nobody sends yet, or ever, are counted', () => {
    for (const kind of [0, 98, 99, 0xffffffff])
      assert.deepEqual(decode(headed(200, kind, 1n).bytes), { records: [], decoded: 0, bad: 1 });
  });
});
