import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { checkCloseEvents, checkListenerEvents } from './check-events.ts';
import { bytesAfterHold, checkBytes, checkClosed, checkNothingLeft } from './check-metrics.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { currentOf, findPoints } from './otlp.ts';
import { establishedEnds, pidsOf, seenOpen } from '../support/truth.ts';
import type { Truth } from '../support/truth.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads, holdTruth } from '../support/workloads.ts';

const SETTINGS = { WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on' };
const EXECUTABLE = 'process.executable.name';

describe('53 connections and their listeners, older than the agent', () => {
  const cleanup = new Cleanup();
  let truth: Truth;
  let output: Output;
  let heldMetrics: Output['metrics'];

  before(async () => {
    await buildWorkloads();
    const held = await holdTruth();
    cleanup.add(held.kill);
    const observation = await observe(cleanup, { settings: SETTINGS });
    // Two exports: the values are then those of a whole pass over the sockets.
    await waitFor('two exports of live connections', () => {
      const points = findPoints(observation.read().metrics, 'wirespan.tcp.connection.active');
      return new Set(points.map(({ timeNs }) => timeNs)).size >= 2;
    });
    heldMetrics = observation.read().metrics;
    truth = seenOpen(await held.finish());
    output = await observation.finish();
  });
  after(() => cleanup.run());

  const heldOf = (name: string, executable: string): number | undefined =>
    currentOf(heldMetrics, name, { resource: { [EXECUTABLE]: executable }, pids: pidsOf(truth) });

  it('counts them as active, under the process that has them open', () => {
    for (const program of ['truth-client', 'truth-server', 'truth-worker']) {
      const expected = establishedEnds(truth).filter(({ end }) => end.executable === program).length;
      assert.equal(heldOf('wirespan.tcp.connection.active', program), expected, program);
    }
  });

  it('counts their listeners', () => {
    assert.equal(heldOf('wirespan.tcp.listener.count', 'truth-server'), truth.listeners.length);
  });

  it('does not count them as opened', () => {
    for (const name of ['wirespan.tcp.connection.opened', 'wirespan.tcp.handshake.duration']) {
      const points = findPoints(output.metrics, name, { pids: pidsOf(truth) });
      assert.deepEqual(
        points.filter(({ value }) => value !== 0),
        [],
      );
    }
  });

  const checks: Record<string, () => string[]> = {
    'close events, with the whole connection in them,': () => checkCloseEvents(truth, output.logs, true),
    'listener events': () => checkListenerEvents(truth, output.logs, true),
    'closed connections': () => checkClosed(truth, output.metrics),
    'bytes since the start of the agent': () => checkBytes(truth, output.metrics, bytesAfterHold),
    'nothing is left': () => checkNothingLeft(truth, output.metrics),
  };
  for (const [name, check] of Object.entries(checks)) {
    it(`${name} agree with the workload exactly`, () => {
      assert.equal(truth.connections.length, 53);
      assert.deepEqual(check(), []);
    });
  }
});
