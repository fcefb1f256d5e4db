import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { OwnerTable } from '../../../receiver/decode/owners.ts';
import { decodeBatch } from '../../../receiver/decode/records.ts';
import type { KernelRecord } from '../../../receiver/record.ts';
import {
  batchOf,
  connectionRecord,
  headed,
  listenerRecord,
  ownerRecord,
  retransmitRecord,
  stateRecord,
  type ContextFields,
} from '../../fixtures/records/write-records.ts';

const V4_LOCAL = [192, 0, 2, 10];
const V4_PEER = [198, 51, 100, 7];
const V6_LOCAL = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const V6_PEER = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x02, 0x1b, 0x21, 0xff, 0xfe, 0xab, 0xcd, 0xef];

const CURL = { startNs: 77_000_000_001n, pid: 4711, cgroupId: 12345678901n, netns: 4026531840 };
const CURL_OWNER = {
  pid: 4711,
  startNs: 77_000_000_001n,
  command: 'curl',
  executable: 'curl-static',
  cgroupId: 12345678901n,
  netns: 4026531840,
};

const CONTEXT: ContextFields = {
  startNs: 555n,
  startSeq: 0xfffffff0,
  flags: 1,
  found: 1,
  traceId: [0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c],
  spanId: [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31],
};
const REQUEST = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
  method: 'http1_header',
  startSeq: 0xfffffff0,
  requestStartNs: 555n,
};

const SOCKET = {
  timeNs: 1_234_567_890_123_456_789n,
  cookie: 0xfedc_ba98_7654_3210n,
  startNs: CURL.startNs,
  pid: CURL.pid,
  local: V4_LOCAL,
  peer: V4_PEER,
  localPort: 50123,
  peerPort: 443,
  family: 4,
  role: 1,
  state: 1,
  netns: 4026532001,
};
const SOCKET_PART = {
  timeNs: 1_234_567_890_123_456_789n,
  cookie: 0xfedc_ba98_7654_3210n,
  netns: 4026532001,
  owner: CURL_OWNER,
  role: 'client',
  endpoints: {
    family: 4,
    localAddress: '192.0.2.10',
    localPort: 50123,
    peerAddress: '198.51.100.7',
    peerPort: 443,
  },
};

/** Decodes a batch behind the record that introduces its owner. */
function decode(...records: readonly Uint8Array[]): {
  records: KernelRecord[];
  decoded: number;
  bad: number;
} {
  const owners = new OwnerTable(8, () => false);
  owners.learn(CURL_OWNER);
  const counters = { decoded: 0, bad: 0 };
  const out: KernelRecord[] = [];
  decodeBatch(batchOf(...records), owners, counters, (record) => out.push(record));
  return { records: out, ...counters };
}

function decodeOne(record: Uint8Array): KernelRecord {
  const { records, decoded, bad } = decode(record);
  assert.deepEqual({ decoded, bad }, { decoded: 1, bad: 0 });
  const [only] = records;
  assert.ok(only);
  return only;
}

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
      assert.deepEqual(each.owner, CURL_OWNER);
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
      segmentsSent: 106,
      segmentsReceived: 107,
      segmentsRetransmitted: 108,
      rttSmoothedUs: 109,
      rttMinUs: 110,
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
      segmentsSent: 106,
      segmentsReceived: 107,
      segmentsRetransmitted: 108,
      rttSmoothedUs: 109,
      rttMinUs: 110,
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

  it('are of five kinds', () => {
    const kinds = [1, 2, 3, 4, 5].map((what) => decodeOne(connectionRecord({ ...SOCKET, what })).kind);
    assert.deepEqual(kinds, ['open', 'accept', 'fail', 'close', 'handshake']);
    for (const what of [0, 6, 255])
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
  });
});

describe('sockets', () => {
  it('speak IPv6', () => {
    const record = decodeOne(stateRecord({ ...SOCKET, local: V6_LOCAL, peer: V6_PEER, family: 6 }));
    assert.ok(record.kind === 'state');
    assert.deepEqual(record.endpoints, {
      family: 6,
      localAddress: '2001:db8::1',
      localPort: 50123,
      peerAddress: 'fe80::21b:21ff:feab:cdef',
      peerPort: 443,
    });
  });

  it('have a role only when it is known', () => {
    const roles = [0, 1, 2, 3, 4, 255].map((role) => {
      const record = decodeOne(stateRecord({ ...SOCKET, role }));
      return 'role' in record ? record.role : 'absent';
    });
    assert.deepEqual(roles, ['absent', 'client', 'server', 'absent', 'absent', 'absent']);
  });

  it('belong to nobody when no process is known', () => {
    const { owner } = decodeOne(stateRecord({ ...SOCKET, pid: 0, startNs: 0n }));
    assert.deepEqual(owner, { pid: 0, startNs: 0n, command: '', executable: '', cgroupId: 0n, netns: 0 });
  });
});

describe('state records', () => {
  const KERNEL_STATES = [
    [1, 'established'],
    [2, 'syn_sent'],
    [3, 'syn_received'],
    [4, 'fin_wait_1'],
    [5, 'fin_wait_2'],
    [6, 'time_wait'],
    [7, 'closed'],
    [8, 'close_wait'],
    [9, 'last_ack'],
    [10, 'listen'],
    [11, 'closing'],
    [12, 'syn_received'],
  ] as const;

  it('carry every field', () => {
    assert.deepEqual(decodeOne(stateRecord({ ...SOCKET, state: 8, previous: 1 })), {
      kind: 'state',
      ...SOCKET_PART,
      state: 'close_wait',
      previous: 'established',
    });
  });

  it('name every state of the kernel, before and after', () => {
    for (const [number, name] of KERNEL_STATES) {
      const after = decodeOne(stateRecord({ ...SOCKET, state: number, previous: 2 }));
      const before = decodeOne(stateRecord({ ...SOCKET, state: 7, previous: number }));
      assert.ok(after.kind === 'state' && before.kind === 'state');
      assert.deepEqual([after.state, before.previous], [name, name]);
    }
  });

  it('are bad with a state that no kernel has', () => {
    for (const given of [{ state: 0 }, { state: 13 }, { previous: 0 }, { previous: 255 }])
      assert.deepEqual(decode(stateRecord({ ...SOCKET, ...given })), { records: [], decoded: 0, bad: 1 });
  });
});

describe('listener records', () => {
  it('carry every field', () => {
    assert.deepEqual(decodeOne(listenerRecord({ ...SOCKET, role: 3, backlog: 4096 })), {
      kind: 'listener_start',
      ...withoutRole(),
      backlog: 4096,
    });
    assert.deepEqual(decodeOne(listenerRecord({ ...SOCKET, role: 3, backlog: 0xffffffff, stop: 1 })), {
      kind: 'listener_stop',
      ...withoutRole(),
      backlog: 0xffffffff,
    });
  });

  function withoutRole(): Omit<typeof SOCKET_PART, 'role'> {
    const { role: _role, ...rest } = SOCKET_PART;
    return rest;
  }
});

describe('retransmit records', () => {
  it('carry every field', () => {
    const record = retransmitRecord({
      ...SOCKET,
      state: 4,
      seq: 0xfffffff0,
      endSeq: 16,
      segments: 3,
      type: 2,
      context: CONTEXT,
    });
    assert.deepEqual(decodeOne(record), {
      kind: 'retransmit',
      ...SOCKET_PART,
      type: 'tail_loss_probe',
      state: 'fin_wait_1',
      seq: 0xfffffff0,
      endSeq: 16,
      segments: 3,
      context: REQUEST,
    });
  });

  it('name every type', () => {
    const types = [0, 1, 2, 3, 4, 5].map((type) => {
      const record = decodeOne(retransmitRecord({ ...SOCKET, type }));
      assert.ok(record.kind === 'retransmit' && !('context' in record));
      return record.type;
    });
    assert.deepEqual(types, ['fast', 'timeout', 'tail_loss_probe', 'syn', 'syn_ack', 'other']);
    for (const given of [{ type: 6 }, { type: 255 }, { state: 0 }])
      assert.deepEqual(decode(retransmitRecord({ ...SOCKET, ...given })), {
        records: [],
        decoded: 0,
        bad: 1,
      });
  });
});

describe('kinds', () => {
  it('that nobody sends yet, or ever, are counted', () => {
    for (const kind of [0, 6, 7, 8, 0xffffffff])
      assert.deepEqual(decode(headed(200, kind, 1n).bytes), { records: [], decoded: 0, bad: 1 });
  });
});

it('records.ts stays readable: 300 lines at most', () => {
  const source = readFileSync(new URL('../../../receiver/decode/records.ts', import.meta.url), 'utf8');
  assert.ok(source.split('\n').length <= 301);
});
