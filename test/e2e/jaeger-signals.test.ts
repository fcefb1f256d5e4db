/** Each signal straight to the real Jaeger: spans are in, under the service's name; it takes nothing else, and that is said. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { METRIC_TCP_CONNECTION_CLOSED } from '../../semconv/index.ts';
import { startJaeger } from '../backends/run.ts';
import { Cleanup } from '../support/cleanup.ts';
import { eventOf, service, spanOf } from '../support/items.ts';
import { waitFor } from '../support/wait.ts';
import { getTrace, type StoredSpan } from '../backends/jaeger-traces.ts';
import { startSender, type Sender } from './shipped-collector.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('straight to Jaeger', () => {
  const cleanup = new Cleanup();
  const failed = new Map<string, string>();
  let sender: Sender;
  let stored: StoredSpan[] = [];

  before(async () => {
    const jaeger = await startJaeger({ outputDir: cleanup.makeFolder() });
    cleanup.add(() => jaeger.stop());
    sender = startSender(`http://127.0.0.1:${jaeger.otlpPort}`, 'cumulative');
    const { store, exporters, flush } = sender;
    cleanup.add(() => exporters.shutdown(1_000));
    exporters.operations.onOperation = ({ signal, error }) =>
      error !== undefined && failed.set(signal, error);
    const resource = service('shop');
    exporters.addSpan(spanOf(1, { traceId: TRACE, resource }));
    exporters.addEvent(eventOf(1, { resource }));
    store.add(METRIC_TCP_CONNECTION_CLOSED, resource, {}, 1);
    await flush();
    await exporters.forceFlush();
    await waitFor('the span', async () => {
      stored = await getTrace(jaeger, TRACE).catch(() => []);
      return stored.length > 0;
    });
  });
  after(() => cleanup.run());

  it('spans arrive under the name of the service, with its process', () => {
    const found = stored.map((span) => [span.service, span.name, span.resource['process.pid']]);
    assert.deepEqual(found, [['shop', 'tcp connect 443', 4711]]);
  });

  it('events and metrics are refused, and counted as that', () => {
    const { traces, logs, metrics } = sender.exporters.counters();
    const counts = [traces, logs, metrics].map(({ exported, dropped }) => [exported, dropped.rejected]);
    assert.deepEqual(counts, [
      [1, 0],
      [0, 1],
      [0, 1],
    ]);
    assert.deepEqual([...failed.keys()].sort(), ['logs', 'metrics']);
  });
});
