import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { NativeError, type Ring } from '../../native/index.ts';
import {
  nativeError,
  parseRecords,
  readCounter,
  skip,
  startProbe,
  trigger,
  type ProbeRecord,
} from './probe.ts';

function drainAll(ring: Ring, buffer: Uint8Array): ProbeRecord[] {
  const records: ProbeRecord[] = [];
  for (;;) {
    const bytes = ring.drain(buffer);
    if (bytes === 0) return records;
    assert.ok(bytes <= buffer.length && bytes % 8 === 0);
    records.push(...parseRecords(buffer.subarray(0, bytes)));
  }
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test('every record comes once and in order through buffers of any size', { skip }, () => {
  for (const size of [64, 65, 71, 72, 127, 4096, 1 << 20]) {
    using session = startProbe({ burst: 127, ringBytes: 65_536 });
    const ring = session.ring('records');
    const buffer = new Uint8Array(size);
    const records: ProbeRecord[] = [];
    for (let round = 0; round < 53; round += 1) {
      trigger(1);
      records.push(...drainAll(ring, buffer));
    }
    assert.equal(readCounter(session, 'lost'), 0);
    assert.deepEqual(
      records.map(({ sequence }) => sequence),
      range(53 * 127),
    );
    assert.ok(records.every(({ kind, sequence }) => kind === sequence % 7));
    assert.equal(ring.records, 53 * 127);
    assert.equal(ring.misframed, 0);
    assert.equal(ring.unreadBytes(), 0);
    assert.equal(ring.drain(buffer), 0);
  }
});

test('a reader that races with the writer misses nothing and sees nothing twice', { skip }, async () => {
  using session = startProbe({ burst: 127, ringBytes: 16_384, wake: true });
  const ring = session.ring('records');
  const buffer = new Uint8Array(1021);
  const records: ProbeRecord[] = [];
  ring.onReadable(() => records.push(...drainAll(ring, buffer)));
  const worker = new Worker(new URL('./producing-worker.ts', import.meta.url), { workerData: 1009 });
  let running = true;
  worker.once('exit', () => (running = false));
  while (running) {
    records.push(...drainAll(ring, buffer));
    await immediate();
  }
  records.push(...drainAll(ring, buffer));
  assert.equal(readCounter(session, 'events'), 1009);
  assert.equal(records.length, readCounter(session, 'sent'));
  assert.equal(records.length + readCounter(session, 'lost'), 1009 * 128);
  for (let i = 1; i < records.length; i += 1) {
    assert.ok((records[i - 1]?.sequence ?? 0) < (records[i]?.sequence ?? 0), `record ${i}`);
  }
});

test('the bytes around the buffer stay untouched', { skip }, () => {
  using session = startProbe({ burst: 127, ringBytes: 65_536 });
  const whole = new Uint8Array(4096).fill(0xee);
  trigger(1);
  const bytes = session.ring('records').drain(whole.subarray(1024, 2048));
  assert.ok(bytes > 1024 - 72);
  assert.ok(whole.subarray(0, 1024).every((byte) => byte === 0xee));
  assert.ok(whole.subarray(1024 + bytes).every((byte) => byte === 0xee));
});

test('a full ring loses what the program counts, and nothing else', { skip }, () => {
  using session = startProbe({ burst: 127, ringBytes: 4096 });
  const ring = session.ring('records');
  assert.equal(ring.size, 4096);
  trigger(83);
  const lost = readCounter(session, 'lost');
  const sent = readCounter(session, 'sent');
  assert.ok(lost > 0);
  assert.ok(ring.unreadBytes() <= 4096 && ring.unreadBytes() > 4096 - 128);
  const records = drainAll(ring, new Uint8Array(256));
  assert.equal(records.length, sent);
  assert.equal(sent + lost, 83 * 127);
  trigger(1);
  assert.ok(drainAll(ring, new Uint8Array(256)).length > 0, 'it goes on after it was full');
});

test('a record larger than the buffer is an error that names the size, and stays', { skip }, () => {
  using session = startProbe({ burst: 3 });
  const ring = session.ring('records');
  trigger(1);
  const short = (error: unknown): boolean =>
    error instanceof NativeError && error.code === 'ERR_NATIVE_SHORT' && error.neededBytes === 24;
  assert.throws(() => ring.drain(new Uint8Array(23)), short);
  assert.throws(() => ring.drain(new Uint8Array(0)), short);
  // The first fits, the second (25 bytes) does not: it is left for the next call.
  assert.equal(ring.drain(new Uint8Array(24)), 24);
  assert.throws(() => ring.drain(new Uint8Array(24)), nativeError('ERR_NATIVE_SHORT', 'records'));
  assert.deepEqual(
    drainAll(ring, new Uint8Array(64)).map(({ sequence }) => sequence),
    [1, 2],
  );
});

test('a record whose header contradicts the ring is left out and counted', { skip }, () => {
  using session = startProbe({ burst: 101, ringBytes: 65_536, misframeEvery: 13 });
  const ring = session.ring('records');
  trigger(1);
  const records = drainAll(ring, new Uint8Array(512));
  assert.deepEqual(
    records.map(({ sequence }) => sequence),
    range(101).filter((sequence) => sequence % 13 !== 0),
  );
  assert.equal(ring.misframed, Math.ceil(101 / 13));
});

test('one call back for each forced wake-up, none for records without', { skip }, async () => {
  using session = startProbe({ burst: 5, wake: true, ringBytes: 65_536 });
  const ring = session.ring('records');
  const buffer = new Uint8Array(65_536);
  let calls = 0;
  let wake = (): void => undefined;
  ring.onReadable(() => {
    calls += 1;
    wake();
  });
  // Not drained in between: what is left in the ring must not call again.
  for (let event = 1; event <= 7; event += 1) {
    const called = new Promise<void>((resolve) => (wake = resolve));
    trigger(1);
    await Promise.race([called, sleep(5000, undefined, { ref: true })]);
    assert.equal(calls, event);
  }
  await sleep(30);
  assert.equal(calls, 7);
  session.setVariable('wake', new Uint8Array(4));
  trigger(11);
  await sleep(30);
  assert.equal(calls, 7);
  assert.equal(drainAll(ring, buffer).length, 7 * 6 + 11 * 5);
});

test('a ring may be closed from its own call back, and then refuses', { skip }, async () => {
  const session = startProbe({ wake: true });
  const ring = session.ring('records');
  assert.equal(session.ring('records'), ring);
  await new Promise<void>((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error('no wake-up in 5 s')), 5000);
    ring.onReadable(() => {
      clearTimeout(deadline);
      ring.close();
      session.close();
      resolve();
    });
    trigger(1);
  });
  ring.close();
  assert.throws(() => ring.drain(new Uint8Array(64)), nativeError('ERR_NATIVE_STATE'));
  assert.throws(() => ring.onReadable(() => undefined), nativeError('ERR_NATIVE_STATE'));
  assert.equal(ring.unreadBytes(), 0);
  assert.equal(ring.records, 0);
});

test(
  'an exception of the call back is an uncaught exception, as in any event handler',
  { skip },
  async () => {
    const worker = new Worker(new URL('./throwing-worker.ts', import.meta.url));
    const [error] = (await once(worker, 'error')) as [Error];
    assert.equal(error.message, 'from the call back');
  },
);
