import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPoint, Histogram, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { AggregationTemporality } from '@opentelemetry/sdk-metrics';
import { createExporters } from '../../../receiver/export/exporters.ts';
import type { AgentSources } from '../../../receiver/telemetry/agent-sources.ts';
import { createAgentTelemetry } from '../../../receiver/telemetry/agent-telemetry.ts';
import type { TapCounters } from '../../../receiver/tap/ledger.ts';
import { METRICS } from '../../../semconv/index.ts';
import { startOtlpStub } from '../../support/otlp-stub.ts';
import { exportSettings } from '../../support/export-settings.ts';
import { eventOf, spanOf } from '../../support/items.ts';

const resource = {
  id: 'agent',
  kind: 'agent',
  attributes: { 'service.name': 'wirespan', 'process.pid': 1 },
} as const;
const now = 1_790_000_000_000_000_000n;

function figures(collected: readonly ResourceMetrics[], name: string): [object, number][] {
  return collected
    .flatMap((r) => r.scopeMetrics.flatMap((s) => s.metrics))
    .filter((m) => m.descriptor.name === name)
    .flatMap((m) =>
      (m.dataPoints as DataPoint<number>[]).map((p): [object, number] => [p.attributes, p.value]),
    );
}

/** Requests of which each end has another number. */
function tapCounters(forwarded: number): TapCounters {
  const failed = {
    queue_full: 3,
    stopping: 0,
    too_large: 0,
    unsupported: 0,
    loop: 0,
    rejected: 2,
    retry_expired: 0,
    already_shutdown: 0,
  };
  return { received: forwarded + 6, forwarded, failed, held: 1, rejectedItems: 8 };
}

const everySource: AgentSources = {
  eventsReceived: () => [{ probe: 'tcp_lifecycle', count: 7 }],
  eventsLost: () => [
    { reason: 'ring_buffer_full', probe: 'tcp_lifecycle', count: 2 },
    { reason: 'decode_error', count: 1 },
    { reason: 'decode_error', count: 3 },
  ],
  eventQueue: () => ({ size: 1, capacity: 8 }),
  ringBuffer: () => ({ usage: 64, limit: 4096 }),
  maps: () => [{ name: 'sockets', usage: 3, limit: 100 }],
  probes: () => [{ name: 'inet_csk_accept', state: 'unsupported' }],
  probeRuns: () => [{ name: 'tcp_lifecycle', runs: 9, seconds: 0.5 }],
  correlationLookups: () => [{ result: 'hit', method: 'http1_header', count: 5 }],
  connectionCount: () => 4,
  workloadCount: () => 2,
  series: () => ({ count: 10, limit: 50_000 }),
  views: () => ({ readers: 3, cutOff: 1, refused: 2 }),
  outputDropped: () => [
    { stream: 'stdout', count: 3 },
    { stream: 'stderr', count: 0 },
  ],
  tap: {
    counters: () => ({ traces: tapCounters(5), metrics: tapCounters(6), logs: tapCounters(7) }),
    held: () => ({ requests: 3, bytes: 900 }),
    refusedConnections: () => 4,
  },
};

test('every metric of the registry that is on by default has an instrument, with its unit and description', async () => {
  const telemetry = createAgentTelemetry({ resource, sources: everySource, temporality: 'cumulative' });
  telemetry.recordLag(0.02);
  const [collected] = await telemetry.collect(now);
  assert.equal(collected?.resource.attributes['service.name'], 'wirespan');
  const own = collected?.scopeMetrics.find((s) => s.scope.name === 'wirespan/agent')?.metrics ?? [];
  const expected = METRICS.filter((m) => m.resource === 'agent' && m.defaultOn);
  assert.ok(expected.length >= 14);
  assert.deepEqual(
    own.map((m) => [m.descriptor.name, m.descriptor.unit, m.descriptor.description]).sort(),
    expected.map((m) => [m.name, m.unit, m.description]).sort(),
  );
  for (const metric of expected) {
    const known = new Set(metric.attributes.map((use) => use.key));
    for (const point of own.find((m) => m.descriptor.name === metric.name)?.dataPoints ?? []) {
      for (const key of Object.keys(point.attributes)) assert.ok(known.has(key), `${metric.name} ${key}`);
    }
  }
  const lag = own.find((m) => m.descriptor.name === 'wirespan.agent.event.lag')?.dataPoints[0]
    ?.value as Histogram;
  assert.deepEqual([lag.count, lag.sum, lag.buckets.boundaries.length], [1, 0.02, 8]);
});

test('figures are what the sources say; the same attributes twice are summed', async () => {
  const telemetry = createAgentTelemetry({ resource, sources: everySource, temporality: 'cumulative' });
  const collected = await telemetry.collect(now);
  assert.deepEqual(figures(collected, 'wirespan.agent.event.lost'), [
    [{ 'error.type': 'ring_buffer_full', 'wirespan.agent.probe.name': 'tcp_lifecycle' }, 2],
    [{ 'error.type': 'decode_error' }, 4],
  ]);
  assert.deepEqual(
    figures(collected, 'wirespan.agent.probe.status').map(([a, value]) => [
      (a as Record<string, string>)['wirespan.agent.probe.state'],
      value,
    ]),
    [
      ['attached', 0],
      ['failed', 0],
      ['disabled', 0],
      ['unsupported', 1],
    ],
  );
  assert.deepEqual(figures(collected, 'wirespan.agent.series.limit'), [[{}, 50_000]]);
  for (const [name, count] of Object.entries({ count: 3, cut_off: 1, refused: 2 }))
    assert.deepEqual(figures(collected, `wirespan.agent.view.${name}`), [[{}, count]]);
  const traces = { 'wirespan.agent.tap.signal': 'traces' };
  assert.deepEqual(figures(collected, 'wirespan.agent.tap.requests').slice(0, 3), [
    [traces, 5],
    [{ ...traces, 'error.type': 'queue_full' }, 3],
    [{ ...traces, 'error.type': 'rejected' }, 2],
  ]);
  assert.deepEqual(figures(collected, 'wirespan.agent.tap.items.rejected')[0], [traces, 8]);
  assert.deepEqual(figures(collected, 'wirespan.agent.tap.queue.usage'), [[{}, 900]]);
  assert.deepEqual(figures(collected, 'wirespan.agent.tap.connections.refused'), [[{}, 4]]);
  const [user] = figures(collected, 'process.cpu.time');
  assert.ok(user !== undefined && user[1] > 0);
  assert.deepEqual(figures(collected, 'wirespan.agent.probe.runs'), [], 'off by default');
});

test('switches decide; a source that fails takes only its own metric away', async () => {
  const telemetry = createAgentTelemetry({
    resource,
    temporality: 'cumulative',
    isEnabled: (metric) => metric.name !== 'wirespan.agent.workload.count',
    sources: {
      ...everySource,
      connectionCount: () => {
        throw new Error('closed');
      },
    },
  });
  const collected = await telemetry.collect(now);
  assert.deepEqual(figures(collected, 'wirespan.agent.workload.count'), []);
  assert.deepEqual(figures(collected, 'wirespan.agent.connection.count'), []);
  assert.deepEqual(figures(collected, 'wirespan.agent.probe.runs'), [
    [{ 'wirespan.agent.probe.name': 'tcp_lifecycle' }, 9],
  ]);
});

test('delta: what was not delivered leaves with a later collection, nothing twice', async () => {
  let received = 10;
  const telemetry = createAgentTelemetry({
    resource,
    temporality: 'delta',
    sources: { eventsReceived: () => [{ count: received }] },
  });
  const collect = async (): Promise<[number[], ResourceMetrics[]]> => {
    const collected = await telemetry.collect(now);
    return [figures(collected, 'wirespan.agent.event.received').map(([, value]) => value), collected];
  };
  telemetry.recordLag(0.5);
  const [first, lost] = await collect();
  assert.deepEqual(first, [10]);
  telemetry.restore(lost);
  received = 15;
  telemetry.recordLag(0.5);
  const [second, delivered] = await collect();
  assert.deepEqual(second, [15]);
  const all = delivered.flatMap((r) => r.scopeMetrics.flatMap((s) => s.metrics));
  assert.equal(
    (all.find((m) => m.descriptor.name === 'wirespan.agent.event.lag')?.dataPoints[0]?.value as Histogram)
      .count,
    2,
  );
  assert.equal(
    all.find((m) => m.descriptor.name === 'wirespan.agent.event.received')?.aggregationTemporality,
    AggregationTemporality.DELTA,
  );
  received = 18;
  assert.deepEqual((await collect())[0], [3]);
  assert.deepEqual((await collect())[0], []);
});

test('the exporters tell of themselves, and what they lose is an event lost', async () => {
  const stub = await startOtlpStub({
    protocol: 'grpc',
    reply: (signal) => (signal === 'logs' ? { kind: 'ok', rejected: 1 } : { kind: 'ok' }),
  });
  const exporters = createExporters(
    exportSettings({ endpoint: stub.url, queues: { traces: { queueSize: 2 } } }),
  );
  const telemetry = createAgentTelemetry({ resource, sources: { exporters }, temporality: 'cumulative' });
  for (let i = 1; i <= 3; i += 1) exporters.addSpan(spanOf(i));
  exporters.addEvent(eventOf(1));
  exporters.addEvent(eventOf(2));
  await exporters.forceFlush();
  const collected = await telemetry.collect(now);
  const ofErrors = (name: string): [unknown, number][] =>
    figures(collected, name).map(([a, value]) => [(a as Record<string, string>)['error.type'], value]);
  assert.deepEqual(ofErrors('wirespan.agent.event.lost'), [
    ['queue_full', 1],
    ['rejected', 1],
  ]);
  assert.deepEqual(ofErrors('otel.sdk.exporter.span.exported'), [[undefined, 2]]);
  assert.deepEqual(ofErrors('otel.sdk.exporter.log.exported'), [
    [undefined, 1],
    ['rejected', 1],
  ]);
  assert.deepEqual(ofErrors('otel.sdk.processor.span.processed'), [
    [undefined, 2],
    ['queue_full', 1],
  ]);
  assert.deepEqual(ofErrors('otel.sdk.processor.span.queue.capacity'), [[undefined, 2]]);
  const [[attributes] = [{}]] = figures(collected, 'otel.sdk.exporter.span.exported');
  assert.equal((attributes as Record<string, unknown>)['server.port'], stub.port);
  const durations = collected
    .flatMap((r) => r.scopeMetrics.flatMap((s) => s.metrics))
    .find((m) => m.descriptor.name === 'otel.sdk.exporter.operation.duration');
  const operations = (durations?.dataPoints ?? []) as DataPoint<Histogram>[];
  assert.deepEqual(
    operations.map((p) => [p.attributes['otel.component.type'], p.attributes['error.type'], p.value.count]),
    [
      ['wirespan_batch_exporter', undefined, 1],
      ['wirespan_batch_exporter', undefined, 1],
    ],
  );
  assert.ok(operations.every(({ value }) => value.sum !== undefined && value.sum > 0));
  const scopes = collected.flatMap((r) => r.scopeMetrics);
  assert.ok(
    scopes.every(
      (s) =>
        s.scope.name === 'wirespan/agent' ||
        s.metrics.every((m) => !m.descriptor.name.startsWith('wirespan.')),
    ),
  );
  await exporters.shutdown(1000);
  await stub.stop();
});

test("upstream's metrics have one switch for each beginning of a name", async () => {
  const exporters = createExporters(exportSettings({ endpoint: 'http://127.0.0.1:1' }));
  const beginnings = ['otel.sdk', 'process', 'nodejs'] as const;
  for (const family of [undefined, ...beginnings]) {
    const families = new Set(family === undefined ? [] : [family]);
    const options = { resource, sources: { exporters }, temporality: 'cumulative', families } as const;
    const telemetry = createAgentTelemetry(options);
    exporters.operations.onOperation?.({ signal: 'logs', seconds: 1 });
    const names = (await telemetry.collect(now))
      .flatMap((r) => r.scopeMetrics.flatMap((s) => s.metrics))
      .map((m) => m.descriptor.name)
      .filter((name) => !name.startsWith('wirespan.'));
    assert.deepEqual(
      beginnings.filter((beginning) => names.some((name) => name.startsWith(`${beginning}.`))),
      family === undefined ? [] : [family],
    );
    exporters.operations.onOperation = undefined;
  }
  await exporters.shutdown(100);
});
