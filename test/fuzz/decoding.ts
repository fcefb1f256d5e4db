import assert from 'node:assert/strict';
import { RECORD_HEADER } from '../../receiver/decode/generated/layout.ts';
import { OwnerTable } from '../../receiver/decode/owners.ts';
import type { decodeBatch } from '../../receiver/signals/records.ts';
import type { KernelRecord } from '../../receiver/model/record.ts';

const SIZE_AT = 12;
const MAX_OWNERS = 8;

/** Records by their headers alone, as bpf/contract/wire.h lays them out: what cannot be walked on is one. */
export function recordsOf(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const isWhole = at + RECORD_HEADER.size <= bytes.length;
    const size = isWhole ? bytes.readUInt32LE(at + SIZE_AT) : 0;
    if (size < RECORD_HEADER.size || at + size > bytes.length) return [...records, bytes.subarray(at)];
    records.push(bytes.subarray(at, at + size));
    at += Math.ceil(size / 8) * 8;
  }
  return records;
}

/** The same for each of several parts, decoded one after the other. */
function decoded(decode: typeof decodeBatch, parts: readonly Uint8Array[]): [KernelRecord[], number] {
  const owners = new OwnerTable(MAX_OWNERS, () => false);
  const counters = { decoded: 0, bad: 0 };
  const records: KernelRecord[] = [];
  for (const part of parts) decode(part, owners, counters, (record) => records.push(record));
  assert.equal(counters.decoded, records.length);
  return [records, counters.bad];
}

/** Nothing outside a record has a part in what it says: alone, with no byte around it, it says the same. */
export function checkAlone(bytes: Buffer, decode: typeof decodeBatch): void {
  const alone = recordsOf(bytes).map((record) => new Uint8Array(record));
  assert.deepEqual(decoded(decode, [new Uint8Array(bytes)]), decoded(decode, alone));
}
