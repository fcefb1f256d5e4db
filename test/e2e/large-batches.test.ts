/** Batches larger than one request may be (4 MiB, counted after decompression) into the real collector: all of it arrives, once. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadConfig } from '../../config/index.ts';
import { createExporters } from '../../receiver/export/exporters.ts';
import { readLogs, readSpans } from '../backends/otlp.ts';
import { startCollector, type Collector } from '../backends/run.ts';
import { Cleanup } from '../support/cleanup.ts';
import { eventOf, service, spanOf } from '../support/items.ts';
import { waitFor } from '../support/wait.ts';

const ITEMS = 8_192;
/** What an item carries; in one request they would be 9 MB and more. */
const ASCII = 'x'.repeat(1_000);
const WIDE = '語'.repeat(450);
const CASES = [
  ['grpc', 'none', ASCII],
  ['grpc', 'gzip', WIDE],
  ['http/protobuf', 'none', WIDE],
  ['http/protobuf', 'gzip', ASCII],
] as const;

describe('a batch of 8,192 items', () => {
  const cleanup = new Cleanup();
  let collector: Collector;

  before(async () => {
    collector = await startCollector({
      outputDir: join(cleanup.makeFolder(), 'collector'),
      batchTimeout: '100ms',
    });
    cleanup.add(() => collector.stop());
  });
  after(() => cleanup.run());

  for (const [protocol, compression, text] of CASES)
    it(`arrives whole and once over ${protocol}, compression: ${compression}`, async () => {
      const name = `${protocol} ${compression}`;
      const port = protocol === 'grpc' ? collector.grpcPort : collector.httpPort;
      const env = {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_COMPRESSION: compression,
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: String(ITEMS),
        OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: String(ITEMS),
      };
      const said: string[] = [];
      const exporters = createExporters(loadConfig({ argv: [], env, readFile: () => '' }), {
        onState: (...words) => said.push(words.join(' ')),
        onRejected: (...words) => said.push(words.join(' ')),
      });
      const failed: string[] = [];
      exporters.operations.onOperation = ({ signal, error }) =>
        error !== undefined && failed.push(`${signal} ${error}`);
      const resource = service(name);
      for (let i = 1; i <= ITEMS; i += 1) {
        assert.ok(exporters.addSpan(spanOf(i, { resource, attributes: { text } })));
        assert.ok(exporters.addEvent(eventOf(i, { resource, attributes: { number: i, text } })));
      }
      await exporters.forceFlush();
      await exporters.shutdown(10_000);
      const { traces, logs } = exporters.counters();
      assert.deepEqual([traces.exported, logs.exported], [ITEMS, ITEMS], said.join('\n'));
      assert.deepEqual([...said, ...failed], [], 'no request was refused');
      const isOurs = (entry: { resource: { 'service.name'?: unknown } }): boolean =>
        entry.resource['service.name'] === name;
      await waitFor('all of it in the files of the collector', () => {
        const spans = readSpans(collector.tracesFile).filter(isOurs);
        return spans.length >= ITEMS && readLogs(collector.logsFile).filter(isOurs).length >= ITEMS;
      });
      const spans = readSpans(collector.tracesFile).filter(isOurs);
      const events = readLogs(collector.logsFile).filter(isOurs);
      assert.deepEqual([spans.length, events.length], [ITEMS, ITEMS]);
      assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, ITEMS);
      assert.equal(new Set(events.map(({ attributes }) => attributes['number'])).size, ITEMS);
      assert.ok(spans.every(({ attributes }) => attributes['text'] === text));
    });
});
