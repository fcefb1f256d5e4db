import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { ProtobufMetricsSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { TracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { Cleanup } from '../../support/cleanup.ts';
import { ADDRESSES, Gateways, type Measured } from '../../support/gateways.ts';
import { newContext } from '../../support/traceparent.ts';
import { waitFor } from '../../support/wait.ts';
import { readCpu, readRssMb } from '../proc-stats.ts';
import { heading, note, row } from '../report.ts';
import type { Section } from './section.ts';

const SPANS_OF_A_TRACE = 5;
const TRACES_OF_A_REQUEST = 200;
/** One trace of so many is hurt, and kept. */
const HURT = 20;
const SERIES = 2_000;
const ON_MEMORY = 'otelcol_processor_tail_sampling_sampling_traces_on_memory';

/** A node's collector and two gateways: what they take for spans and for points. */
export const gateways: Section = {
  name: 'gateways',
  what: 'collectors of deploy/gateway: processor time for spans and points, memory for traces that wait',
  async run({ isQuick }) {
    const cleanup = new Cleanup();
    try {
      const rig = new Gateways(cleanup);
      rig.setAddresses(ADDRESSES);
      const both = [await rig.startGateway(ADDRESSES[0]), await rig.startGateway(ADDRESSES[1])];
      const node = await rig.startNode();
      heading('A collector of a node before two gateways');
      const samples = isQuick ? 2 : 7;
      await measureSpans(node, both, isQuick ? 20 : 60, samples);
      await measurePoints(node, both, isQuick ? 20 : 60, samples);
      note(
        `traces of ${SPANS_OF_A_TRACE} spans, of which one in ${HURT} is kept; what is kept goes to a file`,
      );
    } finally {
      await cleanup.run();
    }
  },
};

interface Node extends Measured {
  readonly url: string;
}

async function measureSpans(
  node: Node,
  both: readonly Measured[],
  requests: number,
  samples: number,
): Promise<void> {
  const spans = requests * TRACES_OF_A_REQUEST * SPANS_OF_A_TRACE;
  const [ofNode, ofGateways, memory]: [number[], number[], number[]] = [[], [], []];
  const onMemory = (): Promise<number> => figure(both, ON_MEMORY);
  let bytes = 0;
  for (let i = 0; i <= samples; i += 1) {
    const bodies = Array.from({ length: requests }, traceRequest);
    bytes = bodies.reduce((sum, { length }) => sum + length, 0);
    const [before, idleMb] = [take(node, both), rss(both)];
    for (const body of bodies) await post(`${node.url}/v1/traces`, body);
    await waitFor('the traces', async () => (await onMemory()) === requests * TRACES_OF_A_REQUEST);
    // Later there is room already that Go has not given back.
    if (i === 0) memory.push(((rss(both) - idleMb) * 1e3) / spans);
    await waitFor('the decisions', async () => (await onMemory()) === 0);
    const after = take(node, both);
    // The first is not counted: heaps grow, and connections are made.
    if (i === 0) continue;
    ofNode.push(((after.node - before.node) * 1e6) / spans);
    ofGateways.push(((after.gateways - before.gateways) * 1e6) / spans);
  }
  row('a span at the node', 'ns of CPU', ofNode, { digits: 0 });
  row('a span at the gateways', 'ns of CPU', ofGateways, { digits: 0 });
  row('a span that waits, the first time', 'kB resident', memory, { digits: 1 });
  row('a span as it is sent', 'bytes', [bytes / spans], {
    digits: 0,
  });
}

async function measurePoints(
  node: Node,
  both: readonly Measured[],
  requests: number,
  samples: number,
): Promise<void> {
  const body = await metricRequest();
  const [ofNode, ofGateways]: [number[], number[]] = [[], []];
  const arrived = (): Promise<number> => figure(both, 'otelcol_receiver_accepted_metric_points');
  for (let i = 0; i <= samples; i += 1) {
    const [before, had] = [take(node, both), await arrived()];
    for (let k = 0; k < requests; k += 1) await post(`${node.url}/v1/metrics`, body);
    await waitFor('the points', async () => (await arrived()) === had + requests * SERIES);
    // What a gateway gathers for a second is to be written, too.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const after = take(node, both);
    if (i === 0) continue;
    ofNode.push(((after.node - before.node) * 1e6) / (requests * SERIES));
    ofGateways.push(((after.gateways - before.gateways) * 1e6) / (requests * SERIES));
  }
  row('a point at the node', 'ns of CPU', ofNode, { digits: 0 });
  row('a point at the gateways', 'ns of CPU', ofGateways, { digits: 0 });
  row('a point as it is sent', 'bytes', [body.length / SERIES], { digits: 0 });
}

async function figure(both: readonly Measured[], name: string): Promise<number> {
  const figures = await Promise.all(both.map((each) => each.figure(name)));
  return figures.reduce((sum, each) => sum + each, 0);
}

/** Milliseconds on a CPU since they started. */
function take(node: Measured, both: readonly Measured[]): { node: number; gateways: number } {
  const gatewaysMs = both.reduce((sum, { pid }) => sum + readCpu(pid).totalMs, 0);
  return { node: readCpu(node.pid).totalMs, gateways: gatewaysMs };
}

function rss(both: readonly Measured[]): number {
  return both.reduce((sum, { pid }) => sum + readRssMb(pid), 0);
}

async function post(url: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body,
  });
  if (!answer.ok) throw new Error(`${url} answered ${String(answer.status)}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

/** Traces of an application with what wirespan adds to them. */
function traceRequest(): Uint8Array<ArrayBuffer> {
  const spans: ReadableSpan[] = [];
  const provider = new TracerProvider({
    spanProcessors: [
      {
        onStart: () => undefined,
        onEnd: (span) => void spans.push(span),
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
  });
  const application = provider.getTracer('application');
  const wirespan = provider.getTracer('wirespan/tcp');
  for (let i = 0; i < TRACES_OF_A_REQUEST; i += 1) {
    const { traceId, spanId } = newContext();
    const within = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: 1 });
    const network = i % HURT === 0 ? 'tcp retransmit 443' : 'tcp connect 443';
    for (let k = 1; k < SPANS_OF_A_TRACE; k += 1)
      application
        .startSpan(
          'GET /orders/{id}',
          { attributes: { ...ATTRIBUTES, 'http.request.method': 'GET' } },
          within,
        )
        .end();
    wirespan.startSpan(network, { attributes: ATTRIBUTES }, within).end();
  }
  return owned(ProtobufTraceSerializer.serializeRequest(spans));
}

/** As many as a span of ours has. */
const ATTRIBUTES = {
  'network.transport': 'tcp',
  'network.type': 'ipv4',
  'network.peer.address': '192.0.2.7',
  'network.peer.port': 443,
  'network.local.address': '192.0.2.9',
  'network.local.port': 41_234,
  'server.address': '192.0.2.7',
  'server.port': 443,
  'process.executable.name': 'orders',
  'process.pid': 4_711,
  'wirespan.tcp.connection.id': '1f2e3d4c5b6a7988',
  'wirespan.correlation.method': 'http1_header',
  'wirespan.correlation.confidence': 'exact',
};

class OnDemand extends MetricReader {
  override onForceFlush = (): Promise<void> => Promise.resolve();
  override onShutdown = (): Promise<void> => Promise.resolve();
}

async function metricRequest(): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new OnDemand();
  const counter = new MeterProvider({ readers: [reader] })
    .getMeter('wirespan/tcp')
    .createCounter('wirespan.tcp.io', { unit: 'By' });
  for (let i = 0; i < SERIES; i += 1)
    counter.add(i, { 'network.io.direction': i % 2 === 0 ? 'transmit' : 'receive', 'server.port': i });
  const { resourceMetrics } = await reader.collect();
  return owned(ProtobufMetricsSerializer.serializeRequest(resourceMetrics));
}

function owned(bytes: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
  if (bytes === undefined) throw new Error('the serializer made nothing');
  return new Uint8Array(bytes);
}
