import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { findPoints, totalOf } from './otlp.ts';
import type { Where } from './otlp.ts';
import { endPair, move, trafficAs, TrafficProcess } from './traffic.ts';
import type { Pair } from './traffic.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads } from '../support/workloads.ts';

const IO = 'wirespan.tcp.io';
const CLOSED = 'wirespan.tcp.connection.closed';
/** Payload from client to server: a connection of each run, and what a longer one moves in between. */
const RUNS = [
  { shortLived: 40_009, longLived: 20_011 },
  { shortLived: 60_013, longLived: 30_011 },
] as const;
const UNSEEN = 77_773;

for (const temporality of ['cumulative', 'delta'] as const) {
  describe(`two runs of the agent, ${temporality}`, () => {
    const cleanup = new Cleanup();
    const outputs: Output[] = [];
    let client: TrafficProcess;
    let port: number;

    before(async () => {
      await buildWorkloads();
      client = new TrafficProcess(trafficAs(cleanup, 'twice-client'));
      const server = new TrafficProcess(trafficAs(cleanup, 'twice-server'));
      cleanup.add(() => Promise.all([client.stop(), server.stop()]));
      const listener = server.next();
      port = await server.run('listen', listener, '127.0.0.1');
      // One listener, so that both runs have the same series.
      const connect = async (): Promise<Pair> => {
        const [from, to] = [client.next(), server.next()];
        await client.run('connect', from, '127.0.0.1', port);
        await server.run('accept', to, listener);
        return { client: { process: client, socket: from }, server: { process: server, socket: to }, port };
      };
      const long = await connect();
      for (const { shortLived, longLived } of RUNS) {
        const observation = await observe(cleanup, {
          settings: { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality },
        });
        const short = await connect();
        await move(short.client, short.server, shortLived);
        await move(long.client, long.server, longLived);
        await endPair(short);
        // An export in the middle: the start time must not depend on the last one.
        await waitFor('an export', () => totalOf(observation.read().metrics, IO, sent()) > 0);
        await waitFor('the peer to acknowledge', async () => {
          const { bytesAcked } = await long.client.process.info(long.client.socket);
          return bytesAcked === 1 + RUNS.slice(0, outputs.length + 1).reduce(longTotal, 0);
        });
        outputs.push(await observation.finish());
        if (outputs.length === 1) await move(long.client, long.server, UNSEEN);
      }
    });
    after(() => cleanup.run());

    const longTotal = (sum: number, { longLived }: (typeof RUNS)[number], index: number): number =>
      sum + longLived + (index === 0 ? 0 : UNSEEN);
    const sent = (): Where => ({
      pids: new Set([client.pid]),
      attributes: { 'server.port': port, 'network.io.direction': 'transmit' },
    });

    it('each run counts from zero what happened in it', () => {
      for (const [index, { metrics }] of outputs.entries()) {
        const run = RUNS[index];
        assert.equal(totalOf(metrics, IO, sent()), (run?.shortLived ?? 0) + (run?.longLived ?? 0));
        assert.equal(totalOf(metrics, CLOSED, { pids: new Set([client.pid]) }), 1);
      }
    });

    it('both runs together miss only what was sent between them', () => {
      const both = outputs.flatMap(({ metrics }) => metrics);
      const all = RUNS.reduce((sum, { shortLived, longLived }) => sum + shortLived + longLived, 0);
      assert.equal(totalOf(both, IO, sent()), all);
      assert.equal(totalOf(both, CLOSED, { pids: new Set([client.pid]) }), RUNS.length);
    });

    it('the second run has the same series, and starts strictly after all of the first', () => {
      const [first = [], second = []] = outputs.map(({ metrics }) => findPoints(metrics, IO, sent()));
      assert.ok(first.length > 0 && second.length > 0);
      assert.deepEqual(second[0]?.resource, first[0]?.resource);
      assert.deepEqual(second[0]?.attributes, first[0]?.attributes);
      const end = outputs[0]?.metrics.reduce((time, { timeNs }) => (timeNs > time ? timeNs : time), 0n) ?? 0n;
      for (const point of outputs[1]?.metrics ?? []) {
        if (point.temporality === undefined) continue;
        assert.ok(point.startNs > end, `${point.name} starts ${end - point.startNs} ns too early`);
        assert.ok(point.startNs <= point.timeNs, point.name);
      }
    });

    it('no series goes backwards within its start time', () => {
      for (const { metrics } of outputs) {
        const points = findPoints(metrics, IO, sent());
        for (const [index, point] of points.entries()) {
          assert.equal(point.temporality, temporality === 'delta' ? 1 : 2);
          const last = points[index - 1];
          if (last !== undefined && last.startNs === point.startNs) assert.ok(point.value >= last.value);
        }
      }
    });
  });
}
