import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Observation, Output } from './observe.ts';
import { findPoints, totalOf } from './otlp.ts';
import { connectPair, endPair, move, trafficAs, TrafficProcess } from './traffic.ts';
import type { End, KernelCounts, Pair } from './traffic.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads } from '../support/workloads.ts';

const CLOSED = 7;
const ROUNDS = 4;
const IO = 'wirespan.tcp.io';
const SEGMENTS = 'wirespan.tcp.segments';

/** What one end of one connection moved, as the agent should tell it. */
interface Counts {
  readonly sent: number;
  readonly received: number;
  readonly segmentsSent: number;
  readonly segmentsReceived: number;
}

/** A connection of the test, with what it had when the agent started. */
interface Flow {
  readonly pair: Pair;
  readonly before: { readonly client: KernelCounts; readonly server: KernelCounts } | undefined;
  payload: { client: number; server: number };
}

/** Payload of a round: no two alike, from one byte to many segments. */
function bytesOf(round: number, flow: number, up: boolean): number {
  return (up ? 1 : 70_001) + round * 123_457 + flow * 1_009;
}

for (const temporality of ['cumulative', 'delta'] as const) {
  describe(`bytes and segments over many intervals, ${temporality}`, () => {
    const cleanup = new Cleanup();
    let observation: Observation;
    let [client, server]: TrafficProcess[] = [];
    let output: Output;
    const flows: Flow[] = [];

    const infoOf = (end: End): Promise<KernelCounts> => end.process.info(end.socket);
    const open = async (isOlder: boolean): Promise<Flow> => {
      const pair = await connectPair(client as TrafficProcess, server as TrafficProcess, '127.0.0.1');
      const flow: Flow = { pair, before: undefined, payload: { client: 0, server: 0 } };
      if (!isOlder) return flow;
      await move(pair.client, pair.server, 54_321);
      await settled(pair.client);
      const counts = { client: await infoOf(pair.client), server: await infoOf(pair.server) };
      return { ...flow, before: counts };
    };
    /** Delayed acknowledgements are under way for 40 ms and more. */
    const settled = async (end: End): Promise<void> => {
      let last = '';
      await waitFor('acknowledgements', async () => {
        const now = JSON.stringify(await infoOf(end));
        const isSame = now === last;
        last = now;
        return isSame;
      });
    };
    const exchange = async (flow: Flow, round: number): Promise<void> => {
      const { pair, payload } = flow;
      const [up, down] = [bytesOf(round, pair.port % 97, true), bytesOf(round, pair.port % 89, false)];
      await move(pair.client, pair.server, up);
      await move(pair.server, pair.client, down);
      payload.client += up;
      payload.server += down;
    };
    /** As the workload counts payload, and the kernel segments. */
    const truthOf = async (
      { pair, before: old, payload }: Flow,
      role: 'client' | 'server',
    ): Promise<Counts> => {
      const now = await infoOf(pair[role]);
      return {
        sent: payload[role],
        received: payload[role === 'client' ? 'server' : 'client'],
        segmentsSent: now.segmentsSent - (old?.[role].segmentsSent ?? 0),
        segmentsReceived: now.segmentsReceived - (old?.[role].segmentsReceived ?? 0),
      };
    };
    const exportedOf = ({ metrics }: Output, { pair }: Flow, role: 'client' | 'server'): Counts => {
      const total = (name: string, direction: string): number =>
        totalOf(metrics, name, {
          pids: new Set([pair[role].process.pid]),
          attributes: {
            'server.port': pair.port,
            'wirespan.tcp.handshake.role': role,
            'network.io.direction': direction,
          },
        });
      return {
        sent: total(IO, 'transmit'),
        received: total(IO, 'receive'),
        segmentsSent: total(SEGMENTS, 'transmit'),
        segmentsReceived: total(SEGMENTS, 'receive'),
      };
    };
    const compare = async (result: Output): Promise<{ exported: Counts[]; truth: Counts[] }> => {
      const ends = flows.flatMap((flow) => [[flow, 'client'] as const, [flow, 'server'] as const]);
      return {
        exported: ends.map(([flow, role]) => exportedOf(result, flow, role)),
        truth: await Promise.all(ends.map(([flow, role]) => truthOf(flow, role))),
      };
    };
    /** Waits until everything so far was exported; shows the difference when it is not. */
    const exported = async (): Promise<void> => {
      const isEqual = async (): Promise<boolean> => {
        const { exported: have, truth } = await compare(observation.read());
        return isDeepStrictEqual(have, truth);
      };
      await waitFor('an export of all traffic so far', isEqual, 10_000).catch(() => undefined);
      const { exported: have, truth } = await compare(observation.read());
      assert.deepEqual(have, truth);
    };

    before(async () => {
      await buildWorkloads();
      client = new TrafficProcess(trafficAs(cleanup, 'moving-client'));
      server = new TrafficProcess(trafficAs(cleanup, 'moving-server'));
      cleanup.add(() => client?.stop());
      cleanup.add(() => server?.stop());
      // Each with a port of its own: two older than the agent, two younger.
      flows.push(await open(true), await open(true));
      observation = await observe(cleanup, {
        settings: { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality },
      });
      flows.push(await open(false), await open(false));
    });
    after(() => cleanup.run());

    for (let round = 0; round < ROUNDS; round += 1) {
      it(`round ${round + 1}: the sum of the intervals is the kernel's count`, async () => {
        for (const flow of flows) await exchange(flow, round);
        await exported();
      });
    }

    it('an older and a younger connection end: exactly what the kernel says at their close', async () => {
      for (const flow of [flows[0], flows[2]]) {
        assert.ok(flow !== undefined);
        await exchange(flow, ROUNDS);
        await endPair(flow.pair);
        await waitFor('both ends to be closed', async () => {
          const [a, b] = [await infoOf(flow.pair.client), await infoOf(flow.pair.server)];
          return a.state === CLOSED && b.state === CLOSED;
        });
        // The kernel's payload count: both SYN (client) and FIN are numbers in the sequence.
        const { bytesAcked, bytesReceived } = await infoOf(flow.pair.client);
        const base = flow.before?.client ?? { bytesAcked: 0, bytesReceived: 0 };
        assert.equal(bytesAcked - base.bytesAcked, flow.payload.client + 1 + (flow.before ? 0 : 1));
        assert.equal(bytesReceived - base.bytesReceived, flow.payload.server + 1);
      }
      await exported();
    });

    it('an older and a younger connection outlive the agent: all up to its end', async () => {
      for (const flow of [flows[1], flows[3]]) {
        assert.ok(flow !== undefined);
        await exchange(flow, ROUNDS);
        await settled(flow.pair.client);
        await settled(flow.pair.server);
      }
      output = await observation.finish();
      const { exported: have, truth } = await compare(output);
      assert.deepEqual(have, truth);
    });

    it('has points of many intervals, of the asked temporality, without a gap between them', () => {
      const [flow] = flows;
      const points = findPoints(output.metrics, IO, {
        pids: new Set([client?.pid ?? 0]),
        attributes: { 'server.port': flow?.pair.port, 'network.io.direction': 'transmit' },
      });
      assert.ok(points.length > ROUNDS, `${points.length} points`);
      for (const [index, point] of points.entries()) {
        assert.equal(point.temporality, temporality === 'delta' ? 1 : 2);
        assert.ok(point.startNs < point.timeNs);
        const last = points[index - 1];
        if (last === undefined) continue;
        if (temporality === 'cumulative') assert.equal(point.startNs, points[0]?.startNs);
        else assert.ok(point.startNs >= last.timeNs);
      }
    });
  });
}
