import assert from 'node:assert/strict';
import { OwnerTable } from '../../receiver/decode/owners.ts';
import { decodeBatch } from '../../receiver/signals/records.ts';
import type { KernelRecord } from '../../receiver/model/record.ts';
import { batchOf, type ContextFields } from '../fixtures/records/write-records.ts';

const V4_LOCAL = [192, 0, 2, 10];
const V4_PEER = [198, 51, 100, 7];

export const CURL = { startNs: 77_000_000_001n, pid: 4711, cgroupId: 12345678901n, netns: 4026531840 };
export const CURL_OWNER = {
  pid: 4711,
  startNs: 77_000_000_001n,
  execs: 0,
  command: 'curl',
  executable: 'curl-static',
  cgroupId: 12345678901n,
  netns: 4026531840,
};

export const CONTEXT: ContextFields = {
  startNs: 555n,
  startSeq: 0xfffffff0,
  flags: 1,
  found: 1,
  method: 1,
  traceId: [0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c],
  spanId: [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31],
};
export const REQUEST = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
  method: 'http1_header',
  startSeq: 0xfffffff0,
  requestStartNs: 555n,
};

export const SOCKET = {
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
export const SOCKET_PART = {
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
export function decode(...records: readonly Uint8Array[]): {
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

export function decodeOne(record: Uint8Array): KernelRecord {
  const { records, decoded, bad } = decode(record);
  assert.deepEqual({ decoded, bad }, { decoded: 1, bad: 0 });
  const [only] = records;
  assert.ok(only);
  return only;
}
