/** Answers that are lost, of a server whose spans come through the tap: what the agent says is under the server's own span. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { findFreePorts } from '../backends/process.ts';
import { runToEnd } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { buildWorkloads } from '../support/workloads.ts';
import { startDropper } from './dropper.ts';
import { services, startServer } from './node-service.ts';
import { observe, type Output } from './observe.ts';
import { findSpans, totalOf } from './otlp.ts';
import { checkUntold } from './untold.ts';

const REQUESTS = 7;
/** Below ephemeral ones: what is lost of answers is chosen by the client's port. */
const FIRST_PORT = 13_000;
const LOOKUPS = 'wirespan.agent.correlation.lookups';

describe('answers of a server behind the tap that are lost', () => {
  const cleanup = new Cleanup();
  const requests = Array.from({ length: REQUESTS }, (_, nth) => ({
    id: `/${nth}`,
    clientPort: FIRST_PORT + nth,
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
  }));
  let output: Output;

  before(async () => {
    await buildWorkloads();
    const [tapPort = 0] = await findFreePorts(1);
    const dropper = startDropper(cleanup);
    const { finish } = await observe(cleanup, {
      settings: {
        WIRESPAN_CORRELATION_OTLP_TAP_ENABLED: 'on',
        WIRESPAN_CORRELATION_OTLP_TAP_GRPC: `127.0.0.1:${tapPort}`,
        WIRESPAN_CORRELATION_OTLP_TAP_HTTP: 'off',
        WIRESPAN_FILTER_INCLUDE: '[{command: node}]',
      },
    });
    const server = await startServer(cleanup, { procsFile: '/dev/null', otlpPort: tapPort });
    for (const { id, clientPort, traceId, spanId } of requests) {
      dropper.set({ port: clientPort, permille: 1000, copies: 1 });
      const traceparent = `traceparent: 00-${traceId}-${spanId}-01`;
      const url = `http://127.0.0.1:${server.port}${id}`;
      const curl = ['curl', '-sS', '--local-port', String(clientPort), '-H', traceparent, url];
      const asked = ['-c', 'echo $$ > "$0" && exec "$@"', dropper.procsFile, ...curl];
      assert.equal((await runToEnd('sh', asked)).stdout, `${id}\n`);
    }
    assert.equal(dropper.dropped().length, REQUESTS);
    await server.stop();
    output = await finish();
  });
  after(() => cleanup.run());

  it('have a span each, under the SERVER span that the application exported, and nowhere else', () => {
    const served = findSpans(output.spans, /.*/, { resource: { 'service.name': services.server } });
    const own = served.filter(({ kind }) => kind === 2);
    const told = served.filter(({ name }) => name.startsWith('tcp retransmit'));
    assert.equal(own.length, REQUESTS);
    const untold = requests.filter(({ traceId }) => told.every((span) => span.traceId !== traceId));
    checkUntold(untold, output, services.server);
    assert.equal(told.length, REQUESTS - untold.length);
    for (const { traceId, parentSpanId, attributes, startNs } of told) {
      const request = requests.find((one) => one.traceId === traceId);
      const exchange = served.find(({ spanId }) => spanId === parentSpanId);
      assert.match(exchange?.name ?? 'none', /^tcp exchange/);
      const parent = own.find(({ spanId }) => spanId === exchange?.parentSpanId);
      assert.deepEqual([parent?.traceId, parent?.parentSpanId], [traceId, request?.spanId]);
      assert.equal(attributes['network.peer.port'], request?.clientPort);
      assert.equal(attributes['wirespan.correlation.method'], 'otlp_server');
      assert.equal(attributes['wirespan.correlation.confidence'], 'exact');
      assert.ok(parent !== undefined && parent.startNs <= startNs, `${parent?.startNs} > ${startNs}`);
    }
  });

  it('are counted as found', () => {
    const attributes = { 'wirespan.correlation.method': 'otlp_server' };
    const counted = (result: string): number =>
      totalOf(output.metrics, LOOKUPS, {
        attributes: { ...attributes, 'wirespan.agent.correlation.result': result },
      });
    assert.ok(counted('hit') >= 1);
    assert.equal(counted('conflict'), 0);
  });
});
