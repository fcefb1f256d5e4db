/** Deltas and the real Prometheus: what arrives of two bursts with a rest between them, by the way that they go. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { METRIC_TCP_CONNECTION_CLOSED } from '../../semconv/index.ts';
import { backEndPath } from '../backends/build.ts';
import { findFreePorts, startBackEnd, type RunningBackEnd } from '../backends/process.ts';
import { startPrometheus, type Prometheus } from '../backends/prometheus.ts';
import { Cleanup } from '../support/cleanup.ts';
import { service } from '../support/items.ts';
import { waitFor } from '../support/wait.ts';
import { startSender, type Sender } from './shipped-collector.ts';

const BURSTS = [720, 500] as const;
const TOTAL = BURSTS[0] + BURSTS[1];
const CLOSED = 'wirespan_tcp_connection_closed_total';
const BURST_PORT = 80;
/** Its series has a connection in each interval. */
const MARK_PORT = 9;
/** What stands between the collector's receiver and Prometheus. */
const WAYS = {
  'scraped as it is': 'prometheus/plain',
  'scraped, with deltatocumulative': 'prometheus/adding',
  'remote write as it is': 'prometheusremotewrite/plain',
  'remote write, with deltatocumulative': 'prometheusremotewrite/adding',
} as const;
type WayName = keyof typeof WAYS;
const WAITED_FOR = (Object.keys(WAYS) as WayName[]).filter((way) => way !== 'remote write as it is');

describe('deltas', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  async function start(features: string[], scrapes: number[] = []): Promise<Prometheus> {
    const prometheus = await startPrometheus({ outputDir: cleanup.makeFolder(), features, scrapes });
    cleanup.add(() => prometheus.stop());
    return prometheus;
  }

  function sendTo(endpoint: string): Sender {
    const sender = startSender(endpoint, 'delta', 'http/protobuf');
    cleanup.add(() => sender.exporters.shutdown(1_000));
    return sender;
  }

  describe('straight to the OTLP receiver of Prometheus', () => {
    it('are refused whole', async () => {
      const prometheus = await start([]);
      const sender = sendTo(prometheus.otlpEndpoint);
      const failed: string[] = [];
      sender.exporters.operations.onOperation = ({ error }) => error !== undefined && failed.push(error);
      await sendBursts(sender, () => Promise.resolve());
      assert.equal(await prometheus.total(CLOSED), 0);
      assert.ok(failed.length > 0);
    });

    it('are added up exactly with otlp-deltatocumulative', async () => {
      const prometheus = await start(['otlp-deltatocumulative']);
      await sendBursts(sendTo(prometheus.otlpEndpoint), (intervals) => marks(prometheus, '', intervals));
      assert.equal(await prometheus.total(of(BURST_PORT)), TOTAL);
    });

    it('stay deltas with otlp-native-delta-ingestion: their sum over time is exact', async () => {
      const prometheus = await start(['otlp-native-delta-ingestion']);
      await sendBursts(sendTo(prometheus.otlpEndpoint), () => Promise.resolve());
      assert.equal(await prometheus.total(of(BURST_PORT)), BURSTS[1]);
      assert.equal(await prometheus.total(`sum_over_time(${of(BURST_PORT)}[1h])`), TOTAL);
    });
  });

  describe('through a collector', () => {
    const shown = new Map<string, number>();

    before(async () => {
      const [http = 0, plain = 0, adding = 0] = await findFreePorts(3);
      const prometheus = await start([], [plain, adding]);
      const folder = cleanup.makeFolder();
      const collector = await startCollector(prometheus, { http, plain, adding, folder });
      cleanup.add(() => collector.stop());
      await sendBursts(sendTo(`http://127.0.0.1:${http}`), async (intervals) => {
        for (const way of WAITED_FOR) await marks(prometheus, matcher(way), intervals);
      });
      for (const way of Object.keys(WAYS) as WayName[])
        shown.set(way, await prometheus.total(of(BURST_PORT, matcher(way))));
    });

    for (const [way, value] of [
      ['scraped as it is', BURSTS[1]],
      ['scraped, with deltatocumulative', TOTAL],
      ['remote write as it is', 0],
      ['remote write, with deltatocumulative', TOTAL],
    ] as const)
      it(`${way}, show ${value} of ${TOTAL}`, () => assert.equal(shown.get(way), value));
  });
});

const of = (port: number, more = ''): string => `${CLOSED}{server_port="${port}"${more}}`;
const matcher = (way: WayName): string => `,way="${WAYS[way]}"`;

function marks(prometheus: Prometheus, more: string, intervals: number): Promise<void> {
  const selector = of(MARK_PORT, more);
  return waitFor(`${intervals} of ${selector}`, async () => (await prometheus.total(selector)) === intervals);
}

/** Each burst is an interval; one without connections follows. `arrived`: resolves when so many intervals are there. */
async function sendBursts(sender: Sender, arrived: (intervals: number) => Promise<void>): Promise<void> {
  const resource = service('shop');
  let intervals = 0;
  for (const count of BURSTS.flatMap((burst) => [burst, 0])) {
    sender.store.add(METRIC_TCP_CONNECTION_CLOSED, resource, { 'server.port': BURST_PORT }, count);
    sender.store.add(METRIC_TCP_CONNECTION_CLOSED, resource, { 'server.port': MARK_PORT }, 1);
    await sender.flush();
    intervals += 1;
    await arrived(intervals);
  }
}

async function startCollector(
  { remoteWriteEndpoint }: Prometheus,
  ports: { http: number; plain: number; adding: number; folder: string },
): Promise<RunningBackEnd> {
  const at = (port: number): { endpoint: string } => ({ endpoint: `127.0.0.1:${port}` });
  const scraped = (name: 'plain' | 'adding'): object => ({
    ...at(ports[name]),
    const_labels: { way: `prometheus/${name}` },
  });
  const written = (name: 'plain' | 'adding'): object => ({
    endpoint: remoteWriteEndpoint,
    external_labels: { way: `prometheusremotewrite/${name}` },
  });
  const pipeline = (name: 'plain' | 'adding'): object => ({
    receivers: ['otlp'],
    processors: name === 'adding' ? ['delta_to_cumulative'] : [],
    exporters: [`prometheus/${name}`, `prometheusremotewrite/${name}`],
  });
  const config = {
    receivers: { otlp: { protocols: { http: at(ports.http) } } },
    processors: { delta_to_cumulative: {} },
    exporters: {
      'prometheus/plain': scraped('plain'),
      'prometheus/adding': scraped('adding'),
      'prometheusremotewrite/plain': written('plain'),
      'prometheusremotewrite/adding': written('adding'),
    },
    service: {
      pipelines: { 'metrics/plain': pipeline('plain'), 'metrics/adding': pipeline('adding') },
      telemetry: { metrics: { level: 'none' } },
    },
  };
  const file = join(ports.folder, 'collector.json');
  writeFileSync(file, JSON.stringify(config));
  return startBackEnd({
    name: 'the newer OpenTelemetry Collector',
    command: await backEndPath('otelcol-newest'),
    args: [`--config=file:${file}`],
    isReady: async () => (await fetch(`http://127.0.0.1:${ports.plain}/metrics`)).ok,
  });
}
