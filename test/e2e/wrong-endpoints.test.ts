/** The ports of the real collector, mixed up: what is said of it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadConfig } from '../../config/index.ts';
import { createExporters } from '../../receiver/export/exporters.ts';
import { startCollector, type Collector } from '../backends/run.ts';
import { Cleanup } from '../support/cleanup.ts';

const PORTS =
  'collectors take gRPC on port 4317 and http/protobuf on port 4318 (OTEL_EXPORTER_OTLP_PROTOCOL)';
const NO_TLS = 'no TLS is spoken there: the endpoint of a collector without TLS begins with http://';

describe('what is said of the real collector', () => {
  const cleanup = new Cleanup();
  let collector: Collector;

  before(async () => {
    collector = await startCollector({ outputDir: join(cleanup.makeFolder(), 'collector') });
    cleanup.add(() => collector.stop());
  });
  after(() => cleanup.run());

  /** What is said when one event is sent. */
  async function saidOf(endpoint: string, protocol: string): Promise<string[]> {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_BLRP_EXPORT_TIMEOUT: '1',
    };
    const said: string[] = [];
    const exporters = createExporters(loadConfig({ argv: [], env, readFile: () => '' }), {
      onState: (_, __, cause) => said.push(cause),
      onRejected: (_, __, cause) => said.push(cause),
    });
    exporters.addEvent({
      name: 'wirespan.tcp.retransmit',
      resource: { id: 'shop', kind: 'workload', attributes: { 'service.name': 'shop' } },
      scope: 'wirespan/tcp',
      severityNumber: 13,
      timeUnixNs: 1_790_000_000_000_000_001n,
      observedTimeUnixNs: 1_790_000_001_000_000_001n,
      attributes: {},
    });
    await exporters.forceFlush();
    await exporters.shutdown(0);
    return said;
  }

  it('gRPC to its port for HTTP', async () =>
    assert.deepEqual(await saidOf(`http://127.0.0.1:${collector.httpPort}`, 'grpc'), [
      `no gRPC is spoken there: ${PORTS}`,
    ]));

  it('HTTP to its port for gRPC', async () =>
    assert.deepEqual(await saidOf(`http://127.0.0.1:${collector.grpcPort}`, 'http/protobuf'), [
      `no HTTP/1 is spoken there: ${PORTS}`,
    ]));

  it('TLS to a port without', async () => {
    assert.deepEqual(await saidOf(`https://127.0.0.1:${collector.grpcPort}`, 'grpc'), [NO_TLS]);
    assert.deepEqual(await saidOf(`https://127.0.0.1:${collector.httpPort}`, 'http/protobuf'), [NO_TLS]);
  });

  it('gRPC without a scheme, which is TLS', async () =>
    assert.deepEqual(await saidOf(`127.0.0.1:${collector.grpcPort}`, 'grpc'), [
      `no TLS is spoken there, and over gRPC an endpoint without a scheme has TLS: write http://127.0.0.1:${collector.grpcPort}, or set OTEL_EXPORTER_OTLP_INSECURE=true`,
    ]));

  it('HTTP to a path that is not its own', async () => {
    const { httpPort } = collector;
    assert.deepEqual(await saidOf(`http://127.0.0.1:${httpPort}/otlp`, 'http/protobuf'), [
      `HTTP 404 Not Found: nothing takes OTLP logs at http://127.0.0.1:${httpPort}/otlp/v1/logs; collectors do at /v1/logs`,
    ]);
  });
});
