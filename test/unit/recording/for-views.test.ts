/** Records that are in a recording for views alone: masked as all others, and without their mark for who is a view. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RECORD_HEADER, RECORD_READER } from '../../../receiver/decode/generated/layout.ts';
import { unmarked } from '../../../receiver/recording/for-views.ts';
import { AddressMask } from '../../../receiver/recording/mask.ts';
import { batchOf, connectionRecord } from '../../fixtures/records/write-records.ts';

const LIVE = 6;

test('a record for views alone has its addresses masked, and is the same without its mark', () => {
  const plain = Buffer.from(
    batchOf(connectionRecord({ what: LIVE, pid: 7, local: [192, 0, 2, 7], peer: [192, 0, 2, 8] })),
  );
  const marked = Buffer.from(plain);
  marked.writeUInt32LE(
    (plain.readUInt32LE(RECORD_HEADER.kind) | RECORD_READER.FOR_VIEWS) >>> 0,
    RECORD_HEADER.kind,
  );
  assert.deepEqual(Buffer.from(unmarked(marked)), plain);
  const mask = new AddressMask();
  const masked = Buffer.from(mask.records(plain));
  assert.notDeepEqual(masked, plain);
  assert.deepEqual(Buffer.from(unmarked(mask.records(marked))), masked);
});

test('a size that cannot be true ends the records, and the bytes behind it are as they were', () => {
  const record = Buffer.from(batchOf(connectionRecord({ what: LIVE })));
  for (const size of [0, 15, 2 * record.length + 1, 0x7fff_fffc, 0x8000_0010, 0xffff_ffff]) {
    const bytes = Buffer.concat([record, record]);
    bytes.writeUInt32LE(size, RECORD_HEADER.bytes);
    bytes.writeUInt32LE(0x8000_0002, record.length + RECORD_HEADER.kind);
    assert.deepEqual(Buffer.from(unmarked(bytes)), bytes);
  }
});
