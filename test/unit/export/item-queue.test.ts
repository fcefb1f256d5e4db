import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExporters } from '../../../receiver/export/exporters.ts';
import { ItemQueue } from '../../../receiver/export/item-queue.ts';
import { sizeOfEvent, sizeOfSpan } from '../../../receiver/export/item-size.ts';
import { startOtlpStub } from '../../support/otlp-stub.ts';
import { encodeEvents } from '../../../receiver/export/log-request.ts';
import { encodeSpans, toReadableSpans } from '../../../receiver/export/span-request.ts';
import { exportSettings } from '../../support/export-settings.ts';
import { assertConserved, eventOf, spanOf } from '../../support/items.ts';

test('a queue is full by number, or by bytes', () => {
  const small = new ItemQueue<number>(3, () => 1);
  assert.deepEqual(
    [1, 2, 3, 4].map((item) => small.push(item)),
    [true, true, true, false],
  );
  const large = new ItemQueue<number>(3, () => 3_000);
  assert.deepEqual(
    [1, 2, 3].map((item) => large.push(item)),
    [true, true, false],
    '6,144 bytes in all',
  );
  assert.deepEqual(large.take(1), [1]);
  assert.equal(large.push(3), true);
  assert.deepEqual(large.take(10), [2, 3]);
  assert.equal(large.bytes, 0);
});

test('an item larger than the whole bound still has a way through', () => {
  const queue = new ItemQueue<number>(1, () => 1e9);
  assert.equal(queue.push(1), true);
  assert.deepEqual(queue.take(512), [1]);
});

test('a batch ends before it is too large for one request', () => {
  const queue = new ItemQueue<number>(10_000, () => 10_000);
  for (let item = 0; item < 1_000; item += 1) queue.push(item);
  assert.equal(queue.take(512).length, 300, '3 MB');
});

test('an item is as large as its texts and its resource', () => {
  const text = 'x'.repeat(10_000);
  const resource = { id: 'r', kind: 'workload', attributes: { 'service.name': text } } as const;
  assert.ok(sizeOfEvent(eventOf(1)) < 1_000);
  assert.ok(sizeOfEvent(eventOf(1, { attributes: { a: text, b: [text, 'y'] } })) > 20_000);
  assert.ok(sizeOfEvent(eventOf(1, { resource })) > 10_000);
  assert.ok(sizeOfSpan(spanOf(1, { resource })) > 10_000);
  assert.ok(
    sizeOfSpan(spanOf(1, { links: Array(16).fill({ traceId: '', spanId: '', traceFlags: 1 }) })) > 2_400,
  );
});

test('large events fill a queue before their number does, and are counted', async () => {
  const stub = await startOtlpStub({ protocol: 'grpc' });
  const queues = { logs: { queueSize: 1_000, batchSize: 1_000, delayMs: 1e6 } };
  const exporters = createExporters(exportSettings({ endpoint: stub.url, queues }));
  const attributes = { stack: 'x'.repeat(20_000) };
  const taken = Array.from({ length: 1_000 }, (_, i) => exporters.addEvent(eventOf(i, { attributes })));
  const waiting = taken.filter(Boolean).length;
  assert.ok(waiting > 90 && waiting <= 102, `${waiting} of 20 KB wait where 2 MB have room`);
  assert.equal(exporters.counters().logs.dropped.queue_full, 1_000 - waiting);
  await exporters.forceFlush();
  assert.equal(exporters.counters().logs.exported, waiting);
  assertConserved(exporters.counters().logs);
  await exporters.shutdown(1_000);
  await stub.stop();
});

test('large events leave before the queue is full of them, though they are fewer than a batch', async () => {
  const stub = await startOtlpStub({ protocol: 'grpc' });
  const queues = { logs: { queueSize: 100, batchSize: 100, delayMs: 1e6 } };
  const exporters = createExporters(exportSettings({ endpoint: stub.url, queues }));
  const attributes = { stack: 'x'.repeat(4_000) };
  for (let i = 1; i <= 200; i += 1) {
    assert.ok(exporters.addEvent(eventOf(i, { attributes })), `${i}`);
    // Fewer than half of the queue come while a request is on its way.
    if (i % 20 === 0) await stub.until(() => exporters.queues().logs.size < 25);
  }
  await exporters.forceFlush();
  assert.equal(stub.logRecords().length, 200);
  await exporters.shutdown(1_000);
  await stub.stop();
});

test('an item is no smaller than what it takes in a request', () => {
  const texts = ['', 'x'.repeat(700), '\u{1F600}'.repeat(300), '語'.repeat(500)];
  for (const text of texts) {
    const attributes = {
      [`a.name.of.${'x'.repeat(90)}`]: text,
      list: [text, text],
      flag: true,
      count: 2 ** 40,
    };
    const resource = { id: 'r', kind: 'workload', attributes: { 'service.name': text } } as const;
    const events = Array.from({ length: 20 }, (_, i) => eventOf(i, { attributes, resource }));
    const link = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
    const spans = Array.from({ length: 20 }, (_, i) =>
      spanOf(i, { attributes, resource, links: [link, link] }),
    );
    const sizeOf = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(encodeEvents(events).bytes.length <= sizeOf(events.map(sizeOfEvent)));
    assert.ok(encodeSpans(toReadableSpans(spans)).bytes.length <= sizeOf(spans.map(sizeOfSpan)));
  }
});
