import assert from 'node:assert/strict';
import { test } from 'node:test';
import { warningsOf } from '../../../receiver/settings/warnings.ts';
import { load } from '../config/sources.ts';

test('histograms that cannot be had are warned of, where there are any', () => {
  const variable = 'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION';
  const warned = (env: Record<string, string>): readonly string[] => warningsOf(load({ env }));
  const exponential = { [variable]: 'base2_exponential_bucket_histogram' };
  assert.equal(warned(exponential).length, 1);
  assert.match(warned(exponential)[0] ?? '', new RegExp(`explicit buckets.*${variable}`));
  assert.deepEqual(warned({}), []);
  assert.deepEqual(warned({ [variable]: 'explicit_bucket_histogram' }), []);
  assert.deepEqual(warned({ ...exponential, OTEL_METRICS_EXPORTER: 'none' }), []);
});

test('deltas that Prometheus refuses are warned of', () => {
  const warned = (temporality: string, endpoint: string): readonly string[] =>
    warningsOf(
      load({
        env: {
          OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
          OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
          OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality,
        },
      }),
    );
  const prometheus = 'http://127.0.0.1:9090/api/v1/otlp';
  assert.match(warned('delta', prometheus)[0] ?? '', /^Prometheus refuses .* deltatocumulative\.$/);
  assert.equal(warned('lowmemory', prometheus).length, 1);
  assert.deepEqual(warned('cumulative', prometheus), []);
  assert.deepEqual(warned('delta', 'http://127.0.0.1:4318'), []);
});
