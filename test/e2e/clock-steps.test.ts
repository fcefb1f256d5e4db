/** The agent's real-time clock is set back by 20 s, by half an hour, and forward by an hour. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { MetricPoint } from '../backends/otlp.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Observation, Output } from './observe.ts';
import { findEvents, findPoints, totalOf } from './otlp.ts';
import { SettableClock, type Era } from './settable-clock.ts';
import { connectPair, endPair, move, trafficAs, TrafficProcess } from './traffic.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads } from '../support/workloads.ts';

const IO = 'wirespan.tcp.io';
/** Seconds by which the clock is set after each round; the last round ends with the agent. */
const STEPS = [-20, -1_800, 3_600] as const;
const BYTES = 50_021;
const CUMULATIVE = 2;
const SETTINGS = { WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on' };

for (const temporality of ['cumulative', 'delta'] as const) {
  describe(`the clock is set while the agent runs, ${temporality}`, () => {
    const cleanup = new Cleanup();
    let client: TrafficProcess;
    let output: Output;
    let eras: readonly Era[];

    before(async () => {
      await buildWorkloads();
      const clock = new SettableClock(cleanup);
      client = new TrafficProcess(trafficAs(cleanup, 'clock-client'));
      const server = new TrafficProcess(trafficAs(cleanup, 'clock-server'));
      cleanup.add(() => Promise.all([client.stop(), server.stop()]));
      const preference = { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality };
      const settings = { ...SETTINGS, ...preference, ...clock.environment };
      const observation = await observe(cleanup, { settings });
      const long = await connectPair(client, server, '127.0.0.1');
      for (let round = 1; round <= STEPS.length + 1; round += 1) {
        await move(long.client, long.server, BYTES);
        await endPair(await connectPair(client, server, '127.0.0.1'));
        await sent(observation, round * BYTES);
        // Each value leaves twice: the second time nothing is new but the time.
        await anotherExport(observation);
        const step = STEPS[round - 1];
        if (step !== undefined) clock.set(step);
      }
      output = await observation.finish();
      eras = clock.eras();
    });
    after(() => cleanup.run());

    const ofClient = (): { pids: Set<number>; attributes: Record<string, string> } => ({
      pids: new Set([client.pid]),
      attributes: { 'network.io.direction': 'transmit' },
    });
    const sent = (observation: Observation, bytes: number): Promise<void> =>
      waitFor(`${bytes} bytes`, () => totalOf(observation.read().metrics, IO, ofClient()) === bytes);
    const anotherExport = async (observation: Observation): Promise<void> => {
      const count = (): number =>
        findPoints(observation.read().metrics, 'system.network.connection.count').length;
      const before = count();
      await waitFor('another export', () => count() > before);
    };
    const isShown = (timeNs: bigint): boolean => eras.some(([from, to]) => timeNs >= from && timeNs <= to);

    it('sums are what the workload did', () => {
      const rounds = STEPS.length + 1;
      assert.equal(totalOf(output.metrics, IO, ofClient()), rounds * BYTES);
      const pids = new Set([client.pid]);
      for (const name of ['wirespan.tcp.connection.opened', 'wirespan.tcp.connection.closed'])
        assert.equal(
          totalOf(output.metrics, name, { pids }),
          rounds + (name.endsWith('opened') ? 1 : 0),
          name,
        );
    });

    it('every time is one that the clock showed, and nothing begins after it', () => {
      for (const { name, startNs, timeNs } of output.metrics) {
        assert.ok(isShown(timeNs), `${name} at ${timeNs}`);
        assert.ok(startNs <= timeNs, `${name} begins ${startNs - timeNs} ns after its time`);
      }
      const closes = findEvents(output.logs, 'wirespan.tcp.connection.close', {
        pids: new Set([client.pid]),
      });
      assert.equal(closes.length, STEPS.length + 1);
      for (const { timeNs } of closes) assert.ok(isShown(timeNs), `an event at ${timeNs}`);
    });

    it('of one start, times go forward and sums do not fall', () => {
      const last = new Map<string, MetricPoint>();
      for (const point of output.metrics) {
        const { resource, scope, name, attributes, startNs, timeNs, value, count } = point;
        if (point.type === 'gauge') continue;
        const key = JSON.stringify([resource, scope, name, attributes, startNs.toString()]);
        const before = last.get(key);
        last.set(key, point);
        if (before === undefined) continue;
        assert.ok(timeNs > before.timeNs, `${name}: ${timeNs} after ${before.timeNs}`);
        if (point.temporality === CUMULATIVE && (point.isMonotonic || point.type === 'histogram'))
          assert.ok(value >= before.value && count >= before.count, `${name} fell to ${value}`);
      }
    });

    it('exports of every time between two steps arrived', () => {
      const times = findPoints(output.metrics, IO, ofClient()).map(({ timeNs }) => timeNs);
      for (const [from, to] of eras) assert.ok(times.some((time) => time >= from && time <= to));
    });
  });
}
