/** What the agent reads of others: a module takes a good part of a millisecond. Most of it is read while the kernel reads the programs. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, test } from 'node:test';
import { agentArgs, cleanEnvironment, runToEnd } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { TELL_MODULES } from '../support/tell-modules.ts';
import { waitFor } from '../support/wait.ts';

/** Before the kernel is asked, with what each of them needs. */
const EARLY = ['convict', 'lodash.clonedeep', 'lru-cache', 'yargs-parser'];
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

/** Packages by what was told of modules. */
function packagesIn(told: string): string[] {
  const found = told.matchAll(/node_modules\/(?:.*node_modules\/)?(@[^/]+\/[^/]+|[^/]+)\//g);
  return [...new Set(Array.from(found, ([, name = '']) => name))].sort();
}

const cleanup = new Cleanup();
after(() => cleanup.run());

test('before it asks the kernel, it reads what the settings need', async () => {
  const refused = agentArgs('run', '--export.metrics.interval=none');
  const { code, stderr } = await runToEnd(process.execPath, ['--import', TELL_MODULES, ...refused]);
  assert.equal(code, 2, stderr.slice(-500));
  assert.deepEqual(packagesIn(stderr), EARLY);
});

test('an agent whose log and metrics are for programs reads no package for terminals', async () => {
  const agent = spawn(process.execPath, ['--import', TELL_MODULES, ...agentArgs('run')], {
    env: cleanEnvironment({}),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise((resolve) => agent.once('close', resolve));
  cleanup.add(() => {
    agent.kill('SIGKILL');
    return ended;
  });
  let told = '';
  agent.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
  await waitFor('the agent', () => told.includes('"programs"') || agent.exitCode !== null);
  assert.equal(agent.exitCode, null, told.slice(-500));
  assert.deepEqual(packagesIn(told), PACKAGES);
});
