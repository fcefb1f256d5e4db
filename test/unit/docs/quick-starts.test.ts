/** Settings that the quick starts tell a user to write. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig, type AppConfig } from '../../../config/index.ts';
import { warningsOf } from '../../../receiver/settings/warnings.ts';
import { project } from './document.ts';

const text = readFileSync(join(project, 'docs/quick-starts.md'), 'utf8');
const settings = new Map<string, AppConfig>(
  [...text.matchAll(/^## (.*)$[^]*?^```yaml\n([^]*?)^```$/gm)].map(([, title = '', file = '']) => [
    title,
    loadConfig({ argv: ['--config', 'a.yaml'], env: {}, readFile: () => file, isWatched: false }),
  ]),
);

/** Where each signal goes; undefined: nowhere. */
const goes = (title: string): readonly (string | undefined)[] => {
  const { otlp } = settings.get(title) ?? assert.fail(title);
  return [otlp.traces, otlp.metrics, otlp.logs].map(({ endpoint, enabled }) =>
    enabled ? endpoint : undefined,
  );
};

test('each is a file that the agent takes without a warning', () => {
  assert.equal(settings.size, 5);
  for (const [title, config] of settings) assert.deepEqual(warningsOf(config), [], title);
});

test('each sends every signal where it says', () => {
  const collector = 'http://collector.example.com:4317';
  assert.deepEqual(goes('A collector'), [collector, collector, collector]);
  assert.deepEqual(goes('Jaeger or Tempo, straight'), [
    'http://tempo.example.com:4317',
    undefined,
    undefined,
  ]);
  assert.deepEqual(goes('Prometheus, straight'), [
    'http://localhost:4317',
    'http://prometheus.example.com:9090/api/v1/otlp/v1/metrics',
    'http://localhost:4317',
  ]);
  const relic = 'https://otlp.nr-data.net:4318';
  assert.deepEqual(goes('New Relic'), [`${relic}/v1/traces`, `${relic}/v1/metrics`, `${relic}/v1/logs`]);
  assert.equal(settings.get('New Relic')?.temporality, 'delta');
  assert.equal(settings.get('Honeycomb')?.otlp.metrics.headers['x-honeycomb-dataset'], 'wirespan');
});
