import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dropRecord, resetRecord, type DropFields } from '../../fixtures/records/write-records.ts';
import {
  CONTEXT,
  CURL,
  CURL_OWNER,
  decodeOne,
  REQUEST,
  SOCKET,
  SOCKET_PART,
} from '../../support/decode-one.ts';

describe('reset records', () => {
  it('carry every field', () => {
    assert.deepEqual(decodeOne(resetRecord({ ...SOCKET, received: 1, reason: 9 })), {
      kind: 'reset',
      ...SOCKET_PART,
      direction: 'receive',
      reason: 9,
      state: 'established',
    });
    assert.deepEqual(decodeOne(resetRecord({ ...SOCKET, state: 0 })), {
      kind: 'reset',
      ...SOCKET_PART,
      direction: 'transmit',
      reason: 0,
    });
  });
});

describe('drop records', () => {
  const DROP: DropFields = {
    timeNs: 42n,
    cookie: 0xfedc_ba98_7654_3210n,
    startNs: CURL.startNs,
    pid: CURL.pid,
    source: [192, 0, 2, 10],
    destination: [198, 51, 100, 7],
    sourcePort: 50123,
    destinationPort: 443,
    family: 4,
    state: 4,
    flags: 0x18,
    reason: 0x0002_0001,
    netns: 4026532001,
    interfaceName: 'eth0',
    localPort: 50124,
    peerPort: 444,
    location: 0xffff_ffff_8123_4567n,
    context: CONTEXT,
    stack: [0xffff_ffff_8123_4567n, 0xffff_ffff_8000_0001n],
  };
  const EXPECTED = {
    kind: 'drop',
    timeNs: 42n,
    cookie: 0xfedc_ba98_7654_3210n,
    netns: 4026532001,
    owner: CURL_OWNER,
    family: 4,
    sourceAddress: '192.0.2.10',
    sourcePort: 50123,
    destinationAddress: '198.51.100.7',
    destinationPort: 443,
    flags: 0x18,
    localPort: 50124,
    peerPort: 444,
    reason: 0x0002_0001,
    location: 0xffff_ffff_8123_4567n,
    stack: [0xffff_ffff_8123_4567n, 0xffff_ffff_8000_0001n],
    interfaceName: 'eth0',
    state: 'fin_wait_1',
    context: REQUEST,
  };

  it('carry every field', () => {
    assert.deepEqual(decodeOne(dropRecord(DROP)), EXPECTED);
  });

  it('speak IPv6', () => {
    const source = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const destination = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
    const record = decodeOne(dropRecord({ ...DROP, family: 6, source, destination }));
    assert.ok(record.kind === 'drop');
    assert.deepEqual(
      [record.family, record.sourceAddress, record.destinationAddress],
      [6, '2001:db8::1', 'fe80::2'],
    );
  });

  it('have neither state nor context nor owner without a socket', () => {
    const { context: _context, ...bare } = { ...DROP, cookie: 0n, startNs: 0n, pid: 0, state: 0 };
    const record = decodeOne(dropRecord(bare));
    assert.ok(record.kind === 'drop' && !('state' in record) && !('context' in record));
    assert.equal(record.owner.pid, 0);
  });

  it('have no address before the packet has a header', () => {
    const record = decodeOne(dropRecord({ ...DROP, sourcePort: 0, destinationPort: 0 }));
    assert.ok(record.kind === 'drop');
    assert.deepEqual([record.sourceAddress, record.destinationAddress], ['', '']);
  });

  it('have a stack of as many frames as there are, sixteen at most', () => {
    const frames = Array.from({ length: 16 }, (_, i) => BigInt(i + 1));
    const full = decodeOne(dropRecord({ ...DROP, stack: frames }));
    const none = decodeOne(dropRecord({ ...DROP, stack: [] }));
    assert.ok(full.kind === 'drop' && none.kind === 'drop');
    assert.deepEqual([full.stack, none.stack], [frames, []]);
  });
});
