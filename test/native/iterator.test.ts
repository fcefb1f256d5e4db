import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';

import { NativeError, tryLoad } from '../../native/index.ts';
import { PROBE_OBJECT, nativeError, openProbe, skip, u32 } from './probe.ts';

const ENTRIES = 1021;
const REPEAT = 509;

function ownThreads(): number[] {
  return readdirSync('/proc/self/task')
    .map(Number)
    .sort((a, b) => a - b);
}

/** False, or why iterators over map elements are skipped. */
function skipMapIterators(): string | false {
  if (skip !== false) return skip;
  const answer = tryLoad(PROBE_OBJECT, 'wsn_cells');
  return answer.ok ? false : `needs iter/bpf_map_elem: this kernel refuses it (errno ${answer.errno})`;
}

test('a task iterator sees every thread of this process, again and again', { skip }, () => {
  using session = openProbe();
  session.load();
  const buffer = new Uint32Array(4096);
  for (let run = 0; run < 3; run += 1) {
    const bytes = session.runIterator('wsn_tasks', new Uint8Array(buffer.buffer));
    const threads = [...buffer.subarray(0, bytes / 4)].filter((_, i) => i % 2 === 1);
    assert.deepEqual(
      threads.sort((a, b) => a - b),
      ownThreads(),
    );
  }
});

test('output of many reads comes whole; beyond the buffer it is an error with the size', { skip }, () => {
  using session = openProbe();
  session.setVariable('cfg_repeat', u32(REPEAT));
  session.load();
  const total = ownThreads().length * REPEAT * 8;
  assert.ok(total > 16_384, 'more than a few pages');
  const guarded = new Uint8Array(total + 64).fill(0xee);
  assert.equal(session.runIterator('wsn_tasks', guarded), total);
  const expected = guarded.slice(0, total);
  for (const room of [0, 1, 8, 4097, total - 1, total]) {
    guarded.fill(0xee);
    const into = guarded.subarray(0, room);
    if (room === total) assert.equal(session.runIterator('wsn_tasks', into), total);
    else {
      assert.throws(
        () => session.runIterator('wsn_tasks', into),
        (error: unknown) => {
          assert.ok(error instanceof NativeError);
          assert.equal(error.code, 'ERR_NATIVE_SHORT');
          assert.equal(error.neededBytes, total);
          return true;
        },
      );
    }
    assert.deepEqual(into, expected.subarray(0, room));
    assert.ok(guarded.subarray(room).every((byte) => byte === 0xee));
  }
});

test('a map iterator reads the named map', { skip: skipMapIterators() }, () => {
  using session = openProbe();
  session.setAutoload('wsn_cells', true);
  session.load();
  const value = new Uint8Array(8);
  for (let key = 0; key < ENTRIES; key += 1) {
    value[0] = key % 251;
    session.update('cells', u32(key), value);
  }
  const entries = new BigUint64Array(2 * ENTRIES);
  const into = new Uint8Array(entries.buffer);
  assert.equal(session.runIterator('wsn_cells', into, { map: 'cells' }), 16 * ENTRIES);
  const seen = new Set<number>();
  for (let i = 0; i < entries.length; i += 2) {
    assert.equal(Number(entries[i + 1]), Number(entries[i]) % 251);
    seen.add(Number(entries[i]));
  }
  assert.equal(seen.size, ENTRIES);
  const refused = nativeError('ERR_NATIVE_ITERATOR');
  assert.throws(() => session.runIterator('wsn_cells', into), refused);
  assert.throws(() => session.runIterator('wsn_cells', into, { map: 'records' }), refused);
});

test('an iterator that does not fit its use is refused', { skip }, () => {
  using session = openProbe();
  session.load();
  const buffer = new Uint8Array(64);
  const unknown = nativeError('ERR_NATIVE_UNKNOWN', 'none');
  assert.throws(() => session.runIterator('wsn_count', buffer), nativeError('ERR_NATIVE_ITERATOR'));
  assert.throws(() => session.runIterator('none', buffer), unknown);
  assert.throws(() => session.runIterator('wsn_tasks', buffer, { map: 'none' }), unknown);
  assert.throws(() => session.runIterator('wsn_cells', buffer), nativeError('ERR_NATIVE_STATE'));
});
