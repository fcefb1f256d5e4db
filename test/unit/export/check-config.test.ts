/** What check-config says of endpoints, and what the log is spared of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { agentArgs, runToEnd } from '../../support/agent.ts';

const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';

describe('check-config', () => {
  const run = (env: Readonly<Record<string, string>>) =>
    runToEnd(process.execPath, agentArgs('check-config'), { env });

  it('shows where each signal goes', async () => {
    const { code, stdout, stderr } = await run({
      [ENDPOINT]: 'collector:4317',
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'https://user:word@gateway.example/secret',
      OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '2500',
      OTEL_LOGS_EXPORTER: 'none',
      https_proxy: 'http://user:word@proxy.example:3128',
      no_proxy: 'collector',
    });
    assert.equal(code, 0, stderr);
    assert.deepEqual(/# Where telemetry goes:\n(?:# {3}.*\n)*/.exec(stdout)?.[0].split('\n'), [
      '# Where telemetry goes:',
      '#   metrics: http/protobuf to gateway.example port 443, a path that is not shown, TLS, by the proxy http://proxy.example:3128 (https_proxy), gzip, at most 2500 ms for a request',
      '#   traces: grpc to collector port 4317, TLS (the endpoint has no scheme), no proxy (no_proxy), no compression, at most 10000 ms for a request',
      '#   logs: not exported',
      '',
    ]);
    assert.doesNotMatch(stdout, /word|secret/);
  });

  it('shows the defaults', async () => {
    const { stdout } = await run({
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/protobuf',
      http_proxy: 'http://p:1',
    });
    assert.match(
      stdout,
      /^# {3}traces: grpc to localhost port 4317, no TLS, no proxy \(loopback\), no compression, at most 10000 ms for a request$/m,
    );
    assert.match(
      stdout,
      /^# {3}logs: http\/protobuf to localhost port 4318, \/v1\/logs, no TLS, no proxy \(loopback\)/m,
    );
  });

  it('refuses what the agent would refuse, with status 2', async () => {
    const { code, stdout, stderr } = await run({
      [ENDPOINT]: 'https://collector:4317',
      OTEL_EXPORTER_OTLP_CERTIFICATE: '/nonexistent/ca.pem',
    });
    assert.deepEqual(
      [code, stdout, stderr],
      [
        2,
        '',
        'wirespan: The OTLP trusted certificates file "/nonexistent/ca.pem" does not exist: give a readable PEM file.\n',
      ],
    );
  });
});

/** A part of the agent on its own: what Node warns of by itself. */
const WARNS = `
const { AgentOutput } = await import('./receiver/agent/agent-output.ts');
const { createOutputs, leave } = await import('./receiver/cli/outputs.ts');
const { loadConfig } = await import('./config/index.ts');
const outputs = createOutputs();
new AgentOutput(loadConfig({ argv: ['--output=none'], env: {}, readFile: () => '' }), outputs, () => ({}));
process.emitWarning('the name of a server', { type: 'DeprecationWarning', code: 'DEP0123' });
process.emitWarning('something else', { type: 'DeprecationWarning', code: 'DEP0001' });
setImmediate(() => leave(0, outputs));
`;

it('TLS to an IP address is no warning in the log, other warnings of Node are', async () => {
  const { code, stderr } = await runToEnd(process.execPath, ['--input-type=module', '--eval', WARNS]);
  assert.equal(code, 0, stderr);
  const [line = '', ...more] = stderr.trim().split('\n');
  assert.match(line, /Node\.js warns.*something else|something else.*Node\.js warns/);
  assert.deepEqual(more, []);
});
