import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { AgentReader } from '../../../receiver/telemetry/agent-reader.ts';
import { prometheusText } from '../../../receiver/telemetry/prometheus-text.ts';

/** Names by the specification of OpenTelemetry for Prometheus, of each kind and unit that the registry has. */
const EXPECTED = `
# TYPE cpu_time_seconds_total counter
cpu_time_seconds_total{cpu_mode="user",quoted="a \\"b\\" \\\\ \\n"} 1.5
# TYPE lost_total counter
lost_total 7
# TYPE memory_bytes gauge
memory_bytes 9
# TYPE load_ratio gauge
load_ratio 0.25
# TYPE map_usage gauge
map_usage 3
# TYPE lag_seconds histogram
lag_seconds_count 3
lag_seconds_sum 6.75
lag_seconds_bucket{le="0.5"} 1
lag_seconds_bucket{le="2"} 2
lag_seconds_bucket{le="+Inf"} 3
`;

test('metrics have the names and values of Prometheus, and its deltas are no deltas', async () => {
  const source = new AgentReader(true);
  const meter = new MeterProvider({ readers: [source.reader] }).getMeter('some', '1');
  meter.createCounter('cpu.time', { unit: 's' }).add(1.5, { 'cpu.mode': 'user', quoted: 'a "b" \\ \n' });
  const lost = meter.createCounter('lost', { unit: '{record}' });
  lost.add(5);
  meter.createUpDownCounter('memory', { unit: 'By' }).add(9);
  meter.createGauge('load', { unit: '1' }).record(0.25);
  meter.createUpDownCounter('map.usage', { unit: '{entry}' }).add(3);
  const lag = meter.createHistogram('lag', { unit: 's', advice: { explicitBucketBoundaries: [0.5, 2] } });
  for (const seconds of [0.25, 1.5]) lag.record(seconds);
  assert.equal(source.latest, undefined);
  await source.collect(2_000_000_000_000_000_000n);
  lost.add(2);
  lag.record(5);
  await source.look();
  assert.ok(source.latest !== undefined);
  const text = prometheusText(source.latest).trimEnd();
  const lines = text.split('\n').filter((line) => !/^# (HELP|UNIT)|target_info/.test(line));
  const scope = /,?otel_scope_name="some",otel_scope_version="1",?/;
  assert.deepEqual(
    lines.map((line) => line.replace(scope, (found) => (/^,.*,$/.test(found) ? ',' : '')).replace('{}', '')),
    EXPECTED.trim().split('\n'),
  );
  // What was looked at is exported all the same, as a delta.
  const [exported] = await source.collect(2_000_000_001_000_000_000n);
  const data = exported?.scopeMetrics[0]?.metrics.find(({ descriptor }) => descriptor.name === 'lost');
  assert.equal(data?.dataPoints[0]?.value, 2);
});
