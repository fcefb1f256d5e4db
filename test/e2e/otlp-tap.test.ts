/** The agent as the OTLP endpoint of an application with the stock SDK. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { projectFolder } from '../backends/place.ts';
import { findFreePorts } from '../backends/process.ts';
import { agentArgs, agentSettings, runToEnd } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe, type Output } from './observe.ts';
import { findPoints, findSpans, totalOf } from './otlp.ts';

const SPANS = 600;
const SERVICE = 'tapped';
const OPENED = 'wirespan.tcp.connection.opened';
const REQUESTS = 'wirespan.agent.tap.requests';
const program = join(projectFolder, 'test', 'workloads', 'node-service', 'spans.ts');

describe('the OTLP tap', () => {
  const cleanup = new Cleanup();
  let ports: readonly number[] = [];
  let made: readonly string[] = [];
  let agentPid = 0;
  let output: Output;

  before(async () => {
    ports = await findFreePorts(2);
    const [grpc = 0, http = 0] = ports;
    const { agent, finish } = await observe(cleanup, {
      settings: {
        WIRESPAN_CORRELATION_OTLP_TAP_ENABLED: 'on',
        WIRESPAN_CORRELATION_OTLP_TAP_GRPC: `127.0.0.1:${grpc}`,
        WIRESPAN_CORRELATION_OTLP_TAP_HTTP: `127.0.0.1:${http}`,
      },
    });
    agentPid = agent.pid;
    for (const [protocol, port] of [
      ['grpc', grpc],
      ['http/protobuf', http],
    ] as const) {
      const env = {
        OTEL_SERVICE_NAME: SERVICE,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_LOGS_EXPORTER: 'none',
      };
      const { stdout } = await runToEnd(process.execPath, [program, String(SPANS)], { env });
      made = [...made, ...stdout.trim().split('\n')];
    }
    // What it still holds leaves at its stop.
    output = await finish();
  });
  after(() => cleanup.run());

  it('hands every span and metric of the application to the collector', () => {
    const came = findSpans(output.spans, /^span \d+$/, { resource: { 'service.name': SERVICE } });
    assert.equal(made.length, 2 * SPANS);
    assert.deepEqual(came.map(({ spanId }) => spanId).sort(), [...made].sort());
    assert.equal(totalOf(output.metrics, 'made', { resource: { 'service.name': SERVICE } }), 2 * SPANS);
  });

  it('says how many requests it sent on', () => {
    for (const signal of ['traces', 'metrics']) {
      const attributes = { 'wirespan.agent.tap.signal': signal };
      const points = findPoints(output.metrics, REQUESTS, { attributes });
      assert.ok(points.every(({ attributes: { 'error.type': failure } }) => failure === undefined));
      assert.ok(totalOf(output.metrics, REQUESTS, { attributes }) >= 2);
    }
  });

  it('is no workload: its ends of the connections are not measured, those of the application are', () => {
    const opened = (role: string): number =>
      ports
        .map((port) => ({ 'wirespan.tcp.handshake.role': role, 'server.port': port }))
        .reduce((sum, attributes) => sum + totalOf(output.metrics, OPENED, { attributes }), 0);
    assert.equal(opened('server'), 0);
    assert.ok(opened('client') >= 2);
    assert.equal(totalOf(output.metrics, OPENED, { pids: new Set([agentPid]) }), 0);
  });
});

it('a port that is taken ends the agent with a sentence', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const env = agentSettings({
    WIRESPAN_CORRELATION_OTLP_TAP_ENABLED: 'on',
    WIRESPAN_CORRELATION_OTLP_TAP_GRPC: `127.0.0.1:${port}`,
    WIRESPAN_CORRELATION_OTLP_TAP_HTTP: 'off',
  });
  const { code, stderr } = await runToEnd(process.execPath, agentArgs('run'), { env });
  other.close();
  assert.equal(code, 2);
  assert.match(
    stderr,
    new RegExp(
      `^wirespan: The OTLP tap cannot listen at 127.0.0.1:${port} .*: another program listens there`,
      'm',
    ),
  );
});
