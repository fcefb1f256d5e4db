/** Recordings of other layouts: those that only grew are read, others are refused. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONNECTION_RECORD, RECORD_HEADER, RECORD_KIND } from '../../../receiver/decode/generated/layout.ts';
import { Growth, LAYOUTS, unreadableLayout } from '../../../receiver/recording/layouts.ts';
import type { Layouts } from '../../../receiver/recording/meta.ts';

/** The layouts of now with something else in their place. */
function changed(name: string, numbers: Readonly<Record<string, number>>): Layouts {
  return { ...LAYOUTS, [name]: { ...LAYOUTS[name], ...numbers } };
}

describe('layouts of another version', () => {
  it('can be read when they are the same, or only less', () => {
    assert.equal(unreadableLayout(LAYOUTS), undefined);
    assert.equal(
      unreadableLayout(LAYOUTS, changed('CONNECTION_RECORD', { size: 400, more: 224 })),
      undefined,
    );
    assert.equal(
      unreadableLayout(LAYOUTS, changed('PROBE_ID', { PROBE_COUNT: 40, PROBE_NEW: 39 })),
      undefined,
    );
    const { SERIES: _, ...less } = LAYOUTS;
    assert.equal(unreadableLayout(less), undefined);
  });

  it('cannot when something lies elsewhere, means something else or is gone', () => {
    assert.equal(unreadableLayout(LAYOUTS, changed('ENDPOINTS', { peer: 32 })), 'ENDPOINTS');
    assert.equal(unreadableLayout(LAYOUTS, changed('CONNECTION_RECORD', { size: 200 })), 'CONNECTION_RECORD');
    assert.equal(unreadableLayout(LAYOUTS, changed('RECORD_KIND', { RECORD_STATE: 30 })), 'RECORD_KIND');
    const { SERIES: _, ...less } = LAYOUTS;
    assert.equal(unreadableLayout(LAYOUTS, less), 'SERIES');
  });
});

describe('what was shorter then', () => {
  it('is a record with zeros at its end', () => {
    const record = Buffer.alloc(CONNECTION_RECORD.size, 3);
    record.writeUInt32LE(RECORD_KIND.RECORD_CONNECTION, RECORD_HEADER.kind);
    record.writeUInt32LE(record.length, RECORD_HEADER.bytes);
    const other = Buffer.alloc(24, 4);
    other.writeUInt32LE(RECORD_KIND.RECORD_STATE, RECORD_HEADER.kind);
    other.writeUInt32LE(20, RECORD_HEADER.bytes);
    const growth = new Growth(LAYOUTS, changed('CONNECTION_RECORD', { size: CONNECTION_RECORD.size + 12 }));
    const longer = Buffer.from(growth.records(Buffer.concat([record, other, record])));
    const stride = Math.ceil((record.length + 12) / 8) * 8;
    assert.equal(longer.length, 2 * stride + other.length);
    assert.equal(longer.readUInt32LE(RECORD_HEADER.bytes), record.length + 12);
    assert.deepEqual(longer.subarray(16, record.length), record.subarray(16));
    assert.deepEqual(longer.subarray(record.length, stride), Buffer.alloc(stride - record.length));
    assert.equal(longer.readUInt32LE(stride + RECORD_HEADER.bytes), 20);
  });

  it('is a row with zeros at its end, for each CPU', () => {
    const then = LAYOUTS['SOFTIRQ_SUMS']?.['size'] ?? 0;
    const growth = new Growth(LAYOUTS, changed('SOFTIRQ_SUMS', { size: then + 8 }));
    const [first, second] = [Buffer.alloc(then, 1), Buffer.alloc(then, 2)];
    const changes = {
      map: 'softirqs',
      isLast: true,
      keySize: 4,
      stride: 2 * then,
      changed: [{ key: Buffer.alloc(4), value: Buffer.concat([first, second]) }],
      gone: [],
    };
    const { stride, changed: rows } = growth.rows(changes);
    assert.equal(stride, 2 * (then + 8));
    const zeros = Buffer.alloc(8);
    assert.deepEqual(Buffer.from(rows[0]?.value ?? zeros), Buffer.concat([first, zeros, second, zeros]));
  });
});
