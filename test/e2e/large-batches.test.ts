/** Batches larger than one request may be (4 MiB, counted after decompression) into the real collector: all of it arrives, once. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadConfig } from '../../config/index.ts';
import { createExporters } from '../../receiver/export/exporters.ts';
import type { NetworkEvent, NetworkSpan } from '../../receiver/model/event.ts';
import type { ObservedResource } from '../../receiver/model/resource.ts';
import { readLogs, readSpans } from '../backends/otlp.ts';
import { startCollector, type Collector } from '../backends/run.ts';
import { Cleanup } from '../support/cleanup.ts';
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

function resourceOf(name: string): ObservedResource {
  return { id: name, kind: 'workload', attributes: { 'service.name': name } };
}

function spanOf(number: number, resource: ObservedResource, text: string): NetworkSpan {
  return {
    name: 'tcp connect 443',
    resource,
    scope: 'wirespan/tcp',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: number.toString(16).padStart(16, '0'),
    traceFlags: 1,
    startUnixNs: 1_790_000_000_123_456_789n,
    endUnixNs: 1_790_000_000_123_999_999n,
    attributes: { text },
    failed: false,
    links: [],
  };
}

function eventOf(number: number, resource: ObservedResource, text: string): NetworkEvent {
  return {
    name: 'wirespan.tcp.retransmit',
    resource,
    scope: 'wirespan/tcp',
    severityNumber: 13,
    timeUnixNs: 1_790_000_000_000_000_001n,
    observedTimeUnixNs: 1_790_000_001_000_000_001n,
    attributes: { number, text },
  };
}

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
      const service = `${protocol} ${compression}`;
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
      const resource = resourceOf(service);
      for (let i = 1; i <= ITEMS; i += 1) {
        assert.ok(exporters.addSpan(spanOf(i, resource, text)));
        assert.ok(exporters.addEvent(eventOf(i, resource, text)));
      }
      await exporters.forceFlush();
      await exporters.shutdown(10_000);
      const { traces, logs } = exporters.counters();
      assert.deepEqual([traces.exported, logs.exported], [ITEMS, ITEMS], said.join('\n'));
      assert.deepEqual([...said, ...failed], [], 'no request was refused');
      const isOurs = (entry: { resource: { 'service.name'?: unknown } }): boolean =>
        entry.resource['service.name'] === service;
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
