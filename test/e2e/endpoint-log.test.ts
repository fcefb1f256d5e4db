/** A running agent's log says which endpoint takes nothing, who answered there, and why. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, it } from 'node:test';
import { startAgent, type LogLine } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';

const cleanup = new Cleanup();
after(() => cleanup.run());

/** Takes metrics nowhere, and logs not now. */
async function startUnwell(): Promise<number> {
  const server = createServer((request, response) => {
    const isMetrics = request.url === '/v1/metrics';
    request.resume().on('end', () => {
      response.setHeader('server', isMetrics ? 'nginx/1.25' : 'envoy');
      response.setHeader('content-type', 'text/plain');
      response.writeHead(isMetrics ? 404 : 503).end(isMetrics ? '404 page not found' : 'no healthy upstream');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.add(() => server.close().closeAllConnections());
  return (server.address() as AddressInfo).port;
}

it('404 and 503 are told with the endpoint, who answered and the reason', async () => {
  const port = await startUnwell();
  const endpoint = `http://127.0.0.1:${port}`;
  const agent = await startAgent({
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_TRACES_EXPORTER: 'none',
    WIRESPAN_SHUTDOWN_DEADLINE: '1s',
    http_proxy: 'http://127.0.0.1:9',
  });
  cleanup.add(() => agent.kill());
  const lineOf = (part: string): LogLine | undefined => agent.log().find(({ msg }) => msg.includes(part));
  await waitFor('both of it in the log', () => {
    const parts = ['rejected telemetry', 'no collector takes telemetry there'];
    return parts.every((part) => lineOf(part) !== undefined);
  });
  const refused = lineOf('rejected telemetry');
  assert.deepEqual(
    [refused?.['signal'], refused?.['endpoint'], refused?.['cause']],
    [
      'metrics',
      endpoint,
      `HTTP 404 Not Found from nginx/1.25: nothing takes OTLP metrics at ${endpoint}/v1/metrics; is that a collector?`,
    ],
  );
  const unwell = lineOf('no collector takes telemetry there');
  assert.deepEqual(
    [unwell?.['endpoint'], unwell?.['cause']],
    [endpoint, 'HTTP 503 Service Unavailable from envoy: no healthy upstream'],
  );
  const { code } = await agent.stop();
  assert.equal(code, 0);
});
