/** The shipped otel-collector.yaml in both collectors, with the real Prometheus and Jaeger behind it: what arrives. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { METRIC_TCP_CONNECTION_CLOSED, METRIC_TCP_RTT } from '../../semconv/index.ts';
import { startPrometheus, type Prometheus } from '../backends/prometheus.ts';
import { startJaeger, type Jaeger } from '../backends/run.ts';
import { Cleanup } from '../support/cleanup.ts';
import { eventOf, service, spanOf } from '../support/items.ts';
import { waitFor } from '../support/wait.ts';
import { getTrace } from '../backends/jaeger-traces.ts';
import {
  shippedText,
  startSender,
  startShipped,
  validate,
  warningsOf,
  type ShippedCollector,
} from './shipped-collector.ts';

/** One name that both know has another since 0.158; the newer says so. */
const RENAMED = '"deltatocumulative" alias is deprecated; use "delta_to_cumulative" instead';
const COLLECTORS = [
  ['otelcol', []],
  ['otelcol-newest', [RENAMED]],
] as const;
const TEMPORALITIES = ['cumulative', 'delta'] as const;
/** Connections of two bursts, with an interval between in which there are none. */
const BURSTS = [720, 500] as const;
const CLOSED = 'wirespan_tcp_connection_closed_total';
const RTTS = 'wirespan_tcp_rtt_seconds_count';
const MARK = { 'server.port': 9 };
/** Each burst has an exemplar of one. The processor that adds up deltas keeps those of a series' first interval only. */
const TRACES = ['0af7651916cd43dd8448eb211c80319c', '1bf7651916cd43dd8448eb211c80319c'] as const;
const TRACES_LEFT = { cumulative: TRACES, delta: TRACES.slice(0, 1) } as const;

describe('the shipped otel-collector.yaml', () => {
  const cleanup = new Cleanup();
  let jaeger: Jaeger;

  before(async () => {
    jaeger = await startJaeger({ outputDir: join(cleanup.makeFolder(), 'jaeger') });
    cleanup.add(() => jaeger.stop());
  });
  after(() => cleanup.run());

  for (const [index, [name, warnings]] of COLLECTORS.entries())
    describe(`in ${name}`, () => {
      let collector: ShippedCollector;
      let prometheus: Prometheus;

      before(async () => {
        collector = await startShipped(name, jaeger.otlpPort);
        cleanup.add(() => collector.stop());
        const outputDir = join(cleanup.makeFolder(), 'prometheus');
        const scrapes = [collector.prometheusPort];
        prometheus = await startPrometheus({ outputDir, scrapes, features: ['exemplar-storage'] });
        cleanup.add(() => prometheus.stop());
      });

      for (const temporality of TEMPORALITIES)
        it(`adds up bursts and the rest between, sent as ${temporality}`, async () => {
          const job = `${temporality}-shop`;
          await sendBursts(collector, prometheus, temporality, job);
          const total = BURSTS[0] + BURSTS[1];
          for (const metric of [CLOSED, RTTS]) {
            const selector = `${metric}{exported_job="${job}",server_port="80"}`;
            assert.equal(await prometheus.total(selector), total, metric);
          }
          const [info] = await prometheus.query(`target_info{exported_job="${job}"}`);
          assert.equal(info?.labels['process_pid'], '4711', 'the rest of the resource');
          const found = await prometheus.exemplars(`${CLOSED}{exported_job="${job}"}`);
          const ids = found.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels['trace_id']));
          assert.deepEqual([...new Set(ids)].sort(), TRACES_LEFT[temporality], 'exemplars');
        });

      it('brings spans to Jaeger, and events out', async () => {
        const { exporters } = startSender(collector.endpoint, 'cumulative');
        const traceId = String(index + 1).padStart(32, '0');
        exporters.addSpan(spanOf(1, { traceId }));
        exporters.addEvent(eventOf(1));
        await exporters.forceFlush();
        await exporters.shutdown(10_000);
        await waitFor('the span in Jaeger', async () => (await spansOf(jaeger, traceId)).length > 0);
        assert.deepEqual(await spansOf(jaeger, traceId), ['tcp connect 443']);
        await waitFor('the event in the log', () => /"log records": 1/.test(collector.log()));
      });

      it('logs nothing that needs a look, but for the name that both know', async () => {
        await collector.stop();
        assert.deepEqual(warningsOf(collector), warnings);
      });
    });

  it('logs nothing of it when the renamed one is called as the newer calls it', async () => {
    const file = join(cleanup.makeFolder(), 'renamed.yaml');
    writeFileSync(file, shippedText().replaceAll(/\bdeltatocumulative\b/g, 'delta_to_cumulative'));
    const collector = await startShipped('otelcol-newest', jaeger.otlpPort, file);
    cleanup.add(() => collector.stop());
    await collector.stop();
    assert.deepEqual(warningsOf(collector), []);
  });

  it('has blocks for Kubernetes that are right when they are switched on', async () => {
    const text = switchOn(switchOn(shippedText(), 'k8s_attributes'), 'resource');
    assert.match(text, /^ {2}k8s_attributes:\n {4}auth_type/m);
    assert.match(text, /processors: \[memory_limiter, resource, k8s_attributes,/);
    await validate('otelcol', text, cleanup.makeFolder());
    const wrong = text.replace('name: k8s.pod.uid }', 'wrong: k8s.pod.uid }');
    await assert.rejects(() => validate('otelcol', wrong, cleanup.makeFolder()), /wrong/);
  });

  async function sendBursts(
    { endpoint }: ShippedCollector,
    prometheus: Prometheus,
    temporality: (typeof TEMPORALITIES)[number],
    job: string,
  ): Promise<void> {
    const sender = startSender(endpoint, temporality);
    cleanup.add(() => sender.exporters.shutdown(1_000));
    const base = service(job);
    const attributes = { ...base.attributes, 'service.instance.id': job };
    const resource = { ...base, attributes };
    let marks = 0;
    /** Ends an interval, and waits until it is in Prometheus. */
    const flush = async (): Promise<void> => {
      marks += 1;
      sender.store.add(METRIC_TCP_CONNECTION_CLOSED, resource, MARK, 1);
      await sender.flush();
      const selector = `${CLOSED}{exported_job="${job}",server_port="9"}`;
      await waitFor(
        `interval ${marks} in Prometheus`,
        async () => (await prometheus.total(selector)) === marks,
      );
    };
    for (const [index, burst] of BURSTS.entries()) {
      const port = { 'server.port': 80 };
      sender.store.add(METRIC_TCP_CONNECTION_CLOSED, resource, port, burst);
      const exemplar = { time: hrNow(), value: 1, traceId: TRACES[index] ?? '', spanId: 'b7ad6b7169203331' };
      sender.exemplars.offer(METRIC_TCP_CONNECTION_CLOSED, resource, port, exemplar);
      const counts = [burst, ...METRIC_TCP_RTT.boundaries!.map(() => 0)];
      sender.store.addHistogram(METRIC_TCP_RTT, resource, port, { counts, sum: burst / 1e6 });
      await flush();
      await flush();
    }
  }
});

function hrNow(): [number, number] {
  const ms = Date.now();
  return [Math.floor(ms / 1000), (ms % 1000) * 1e6];
}

async function spansOf(jaeger: Jaeger, traceId: string): Promise<string[]> {
  return (await getTrace(jaeger, traceId).catch(() => [])).map(({ name }) => name);
}

/** As the comment says: the first `#` goes from the lines of the block, and its name is put behind memory_limiter. */
function switchOn(text: string, processor: string): string {
  const [block = ''] = new RegExp(`^  # ${processor}:\n(  #   .*\n)+`, 'm').exec(text) ?? [];
  assert.notEqual(block, '', `there is a block of ${processor}`);
  return text
    .replace(block, block.replaceAll(/^ {2}# /gm, '  '))
    .replaceAll('[memory_limiter,', `[memory_limiter, ${processor},`);
}
