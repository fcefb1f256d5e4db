import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listenerRecord, retransmitRecord, stateRecord } from '../../fixtures/records/write-records.ts';
import { CONTEXT, decode, decodeOne, REQUEST, SOCKET, SOCKET_PART } from '../../support/decode-one.ts';

const V6_LOCAL = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const V6_PEER = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x02, 0x1b, 0x21, 0xff, 0xfe, 0xab, 0xcd, 0xef];

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
    const record = decodeOne(stateRecord({ ...SOCKET, pid: 0, startNs: 0n }));
    const owner = 'owner' in record ? record.owner : undefined;
    assert.deepEqual(owner, {
      pid: 0,
      startNs: 0n,
      execs: 0,
      command: '',
      executable: '',
      cgroupId: 0n,
      netns: 0,
    });
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
