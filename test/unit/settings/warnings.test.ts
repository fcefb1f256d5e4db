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
