import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_OWNER } from '../../../receiver/decode/owners.ts';
import { decode, decodeOne } from '../../support/decode-one.ts';
import { packetRecord, sentPacketRecord } from '../../fixtures/records/write-packet.ts';

const GIVEN = { point: 1, packet: 7n, source: [10, 0, 0, 1], destination: [10, 0, 0, 2], sourcePort: 80 };

test('a packet at a point is of nobody, unless it was sent from here', () => {
  const short = decodeOne(packetRecord({ ...GIVEN, unobserved: 1, interfaceName: 'va' }));
  assert.ok(short?.kind === 'packet');
  const { owner, sourceAddress, sourcePort, interfaceName, isUnobserved } = short;
  assert.deepEqual(
    [owner, sourceAddress, sourcePort, interfaceName, isUnobserved],
    [NO_OWNER, '10.0.0.1', 80, 'va', true],
  );
  assert.ok(!('stream' in short) && !('context' in short));
  const sent = decodeOne(sentPacketRecord({ ...GIVEN, cookie: 9n, pid: 42, stream: 3 }));
  assert.ok(sent?.kind === 'packet');
  assert.deepEqual([sent.owner.pid, sent.cookie, sent.stream, sent.isUnobserved], [42, 9n, 3, false]);
});

test('a point that is not known is bad', () => {
  assert.deepEqual(decode(packetRecord({ ...GIVEN, point: 99 })), { records: [], decoded: 0, bad: 1 });
});
