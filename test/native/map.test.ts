import assert from 'node:assert/strict';
import { test } from 'node:test';

import { possibleCpus, type BpfSession } from '../../native/index.ts';
import { nativeError, openProbe, skip, startProbe, trigger, u32 } from './probe.ts';

const EVENTS = 1013;

/** How many of events 0…EVENTS-1 leave `rest` when divided by `modulus`. */
function share(rest: number, modulus: number): number {
  return Math.floor((EVENTS - 1 - rest) / modulus) + 1;
}

function u64(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

function fillCells(session: BpfSession, entries: number): void {
  for (let key = 0; key < entries; key += 1) session.update('cells', u32(key), u64(key * key));
}

function readCells(session: BpfSession, room: number): Map<number, number> {
  const keys = new Uint32Array(room);
  const values = new BigUint64Array(room);
  const count = session.lookupBatch('cells', new Uint8Array(keys.buffer), new Uint8Array(values.buffer));
  return new Map(Array.from({ length: count }, (_, i) => [keys[i] ?? -1, Number(values[i])]));
}

test('single entries: update, look up, delete, absence', { skip }, () => {
  using session = openProbe();
  session.load();
  const value = new Uint8Array(8).fill(7);
  assert.equal(session.lookup('cells', u32(5), value), false);
  assert.deepEqual(value, new Uint8Array(8).fill(7));
  session.update('cells', u32(5), u64(25));
  assert.equal(session.lookup('cells', u32(5), value), true);
  assert.deepEqual(value, u64(25));
  assert.equal(session.delete('cells', u32(5)), true);
  assert.equal(session.delete('cells', u32(5)), false);
  assert.throws(() => session.delete('slots', u32(0)), nativeError('ERR_NATIVE_MAP', 'slots'));
  assert.throws(
    () => session.update('slots', u32(99), new Uint8Array(8 * possibleCpus())),
    nativeError('ERR_NATIVE_MAP'),
  );
  assert.ok(session.mapId('cells') > 0);
});

test('an update beyond max entries is refused, and says so', { skip }, () => {
  using session = openProbe();
  session.setMaxEntries('cells', 31);
  session.load();
  fillCells(session, 31);
  assert.throws(() => session.update('cells', u32(31), u64(0)), nativeError('ERR_NATIVE_MAP', 'cells'));
});

test('a batch reads the whole map, whatever room is left over', { skip }, () => {
  for (const entries of [0, 1, 2, 127, 128, 1021, 1024]) {
    using session = openProbe();
    session.load();
    fillCells(session, entries);
    for (const room of [entries, entries + 1, entries + 1000]) {
      const cells = readCells(session, room);
      assert.equal(cells.size, entries, `${entries} entries, room for ${room}`);
      assert.ok([...cells].every(([key, value]) => key < entries && value === key * key));
    }
    for (const room of [0, 1, entries - 1]) {
      if (room >= entries || room < 0) continue;
      assert.throws(() => readCells(session, room), nativeError('ERR_NATIVE_SHORT', 'cells'));
    }
  }
});

test('per-CPU maps add up to the events, by batch and one by one', { skip }, () => {
  using session = startProbe();
  trigger(EVENTS);
  session.detach('wsn_count');
  const cpus = possibleCpus();
  const keys = new BigUint64Array(64);
  const values = new Uint32Array(64 * cpus * 2);
  const count = session.lookupBatch('per_cpu', new Uint8Array(keys.buffer), new Uint8Array(values.buffer));
  assert.equal(count, 5);
  for (let entry = 0; entry < count; entry += 1) {
    let sum = 0;
    for (let cpu = 0; cpu < cpus; cpu += 1) sum += values[(entry * cpus + cpu) * 2] ?? 0;
    assert.equal(sum, share(Number(keys[entry]), 5));
  }
  const slot = new BigUint64Array(cpus);
  for (let key = 0; key < 3; key += 1) {
    assert.ok(session.lookup('slots', u32(key), new Uint8Array(slot.buffer)));
    assert.equal(Number(slot.reduce((a, b) => a + b)), share(key, 3));
  }
  const slotKeys = new Uint32Array(3);
  const slotValues = new BigUint64Array(3 * cpus);
  assert.equal(
    session.lookupBatch('slots', new Uint8Array(slotKeys.buffer), new Uint8Array(slotValues.buffer)),
    3,
  );
  assert.deepEqual([...slotKeys], [0, 1, 2]);
  assert.equal(Number(slotValues.reduce((a, b) => a + b)), EVENTS);
  const cells = readCells(session, 1024);
  assert.equal(cells.size, 17);
  assert.ok([...cells].every(([key, value]) => value === share(key, 17)));
});

test('a map without entries to walk says why', { skip }, () => {
  using session = openProbe();
  session.load();
  assert.throws(
    () => session.lookupBatch('records', new Uint8Array(8), new Uint8Array(8)),
    nativeError('ERR_NATIVE_MAP', 'records'),
  );
});
