/** Exemplars as the collector wrote them, against the requests of an instrumented service. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ExemplarEntry, MetricPoint } from '../backends/otlp.ts';
import { Cleanup } from '../support/cleanup.ts';
import { startDropper } from './dropper.ts';
import { sendRequests, services, startServer } from './node-service.ts';
import type { RequestTruth } from './node-service.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { findSpans } from './otlp.ts';
import { checkUntold } from './untold.ts';
import { buildWorkloads } from '../support/workloads.ts';

const LOST = ['wirespan.tcp.retransmits'];
const OPENED = ['wirespan.tcp.connection.opened', 'wirespan.tcp.handshake.duration'];
const CLOSED = ['wirespan.tcp.connection.closed', 'wirespan.tcp.connection.duration', 'wirespan.tcp.rtt'];
const MILLISECOND = 1_000_000n;
/** How far the clocks of the client and of the kernel, and a segment sent again, can move a figure. */
const NOISE_MS = 1_000n;

const textOf = ({ traceId, spanId }: { traceId: string; spanId: string }): string => `${traceId}/${spanId}`;

function examplesOf({ metrics }: Output, names: readonly string[]): [MetricPoint, ExemplarEntry][] {
  return metrics
    .filter(({ name }) => names.includes(name))
    .flatMap((point) => point.exemplars.map((one): [MetricPoint, ExemplarEntry] => [point, one]));
}

describe('exemplars', () => {
  for (const [protocol, temporality] of [
    ['grpc', 'cumulative'],
    ['http/protobuf', 'delta'],
  ] as const) {
    describe(`over ${protocol}, ${temporality}`, () => {
      const cleanup = new Cleanup();
      let requests: RequestTruth[];
      let output: Output;

      before(async () => {
        await buildWorkloads();
        const dropper = startDropper(cleanup);
        const settings = { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality };
        const { collector, finish } = await observe(cleanup, { protocol, settings });
        const otlpPort = collector.grpcPort;
        const { port, stop } = await startServer(cleanup, { procsFile: dropper.procsFile, otlpPort });
        dropper.set({ port, permille: 1000, copies: 1 });
        requests = await sendRequests({ port, otlpPort }, 3, 3);
        await stop();
        output = await finish();
      });
      after(() => cleanup.run());

      it('of retransmits are the requests whose segment was lost, with time and value', () => {
        const found = examplesOf(output, LOST);
        const told = new Set(found.map(([, one]) => textOf(one)));
        const untold = requests.filter((request) => !told.has(textOf(request)));
        checkUntold(untold, output, services.client);
        assert.ok(untold.length < requests.length);
        for (const [point, { traceId, value, timeNs }] of found) {
          const request = requests.find((one) => one.traceId === traceId) as RequestTruth;
          assert.equal(point.resource['service.name'], services.client);
          assert.equal(value, 1);
          assert.ok(timeNs >= (BigInt(Math.floor(request.startMs)) - NOISE_MS) * MILLISECOND);
          assert.ok(timeNs <= (BigInt(Math.ceil(request.endMs)) + NOISE_MS) * MILLISECOND);
          assert.ok(timeNs <= point.timeNs && (temporality === 'cumulative' || timeNs >= point.startNs));
        }
      });

      it('of handshakes are those that have a span, and their closes those that were on a trace', (t) => {
        const connects = findSpans(output.spans, /^tcp connect /).map(({ traceId }) => traceId);
        const opened = examplesOf(output, OPENED).map(([, { traceId }]) => traceId);
        t.diagnostic(`${connects.length} handshakes on a trace`);
        assert.equal(
          opened.every((traceId) => connects.includes(traceId)),
          true,
        );
        assert.equal(opened.length > 0, connects.length > 0);
        const closed = new Set(examplesOf(output, CLOSED).map(([{ name }]) => name));
        assert.deepEqual([...closed].sort(), connects.length > 0 ? [...CLOSED].sort() : []);
      });

      it('lie in their bucket, and are of these requests only', () => {
        const all = examplesOf(output, [...LOST, ...OPENED, ...CLOSED, 'wirespan.packet.dropped']);
        const everywhere = output.metrics.flatMap(({ exemplars }) => exemplars);
        assert.equal(everywhere.length, all.length, 'other metrics have exemplars');
        const known = new Set(requests.map(textOf));
        for (const [{ name, bounds, bucketCounts }, one] of all) {
          assert.ok(known.has(textOf(one)), `${name}: ${textOf(one)} is no request`);
          if (bounds.length === 0) continue;
          const bucket = bounds.findIndex((bound) => one.value <= bound);
          const index = bucket < 0 ? bounds.length : bucket;
          assert.ok((bucketCounts[index] ?? 0) > 0, `${name}: nothing in the bucket of ${one.value}`);
        }
      });
    });
  }
});
