/** What the agent reads of others before it asks the kernel anything: a module takes a good part of a millisecond. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentArgs, runToEnd } from '../support/agent.ts';
import { TELL_MODULES } from '../support/tell-modules.ts';

/** With what each of them needs. */
const PACKAGES = [
  '@bufbuild/protobuf',
  '@grpc/grpc-js',
  '@js-sdsl/ordered-map',
  '@opentelemetry/api',
  '@opentelemetry/core',
  '@opentelemetry/exporter-trace-otlp-grpc',
  '@opentelemetry/otlp-exporter-base',
  '@opentelemetry/otlp-grpc-exporter-base',
  '@opentelemetry/otlp-transformer',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-metrics',
  '@opentelemetry/semantic-conventions',
  '@pinojs/redact',
  'atomic-sleep',
  'convict',
  'lodash.clonedeep',
  'lru-cache',
  'on-exit-leak-free',
  'pino',
  'pino-std-serializers',
  'quick-format-unescaped',
  'safe-stable-stringify',
  'sonic-boom',
  'thread-stream',
  'uuid',
  'yargs-parser',
];

test('an agent whose log and metrics are for programs reads no package for terminals', async () => {
  const refused = agentArgs('run', '--export.metrics.interval=none');
  const { code, stderr } = await runToEnd(process.execPath, ['--import', TELL_MODULES, ...refused]);
  assert.equal(code, 2, stderr.slice(-500));
  const found = stderr.matchAll(/node_modules\/(?:.*node_modules\/)?(@[^/]+\/[^/]+|[^/]+)\//g);
  assert.deepEqual([...new Set(Array.from(found, ([, name]) => name))].sort(), PACKAGES);
});
