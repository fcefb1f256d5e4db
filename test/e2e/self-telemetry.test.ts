import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { METRICS } from '../../semconv/index.ts';
import { findFreePorts } from '../backends/process.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import { findEvents, findPoints, finalPoints } from './otlp.ts';
import { waitFor } from '../support/wait.ts';

const cleanup = new Cleanup();
after(() => cleanup.run());

/** There is nothing to say of these while nothing goes wrong. */
const ONLY_WHEN = new Set(['wirespan.agent.event.lost', 'wirespan.agent.correlation.lookups']);

it('every metric about the agent itself is exported when its switch is on', async () => {
  const [grpc, http] = await findFreePorts(2);
  const { read, finish } = await observe(cleanup, {
    settings: {
      WIRESPAN_CORRELATION_OTLP_TAP_ENABLED: 'on',
      WIRESPAN_CORRELATION_OTLP_TAP_GRPC: `127.0.0.1:${grpc}`,
      WIRESPAN_CORRELATION_OTLP_TAP_HTTP: `127.0.0.1:${http}`,
      WIRESPAN_VIEWS_SOCKET: join(cleanup.makeFolder(), 'views.sock'),
      WIRESPAN_METRICS_AGENT_PROBE_RUNS: 'on',
      WIRESPAN_METRICS_AGENT_PROBE_RUN_TIME: 'on',
      WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on',
    },
  });
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  cleanup.add(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1').resume();
  await once(client, 'close');
  const headers = { 'content-type': 'application/x-protobuf' };
  const taken = await fetch(`http://127.0.0.1:${http}/v1/traces`, { method: 'POST', headers });
  assert.equal(taken.status, 200);
  const closed = { attributes: { 'server.port': port } };
  await waitFor('the close of the connection', () => {
    return findEvents(read().logs, 'wirespan.tcp.connection.close', closed).length === 2;
  });
  const { metrics } = await finish();
  const own = METRICS.filter(({ resource }) => resource === 'agent').map(({ name }) => name);
  const seen = new Set(metrics.map(({ name }) => name));
  assert.deepEqual(
    own.filter((name) => !seen.has(name) && !ONLY_WHEN.has(name)),
    [],
  );
  const states = { attributes: { 'wirespan.agent.probe.name': 'inet_sock_set_state' } };
  for (const name of ['wirespan.agent.probe.runs', 'wirespan.agent.probe.run.time']) {
    const [point] = finalPoints(findPoints(metrics, name, states));
    assert.ok(point !== undefined && point.value > 0, name);
  }
});
