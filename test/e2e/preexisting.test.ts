import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { checkCloseEvents, checkListenerEvents } from './check-events.ts';
import { bytesAfterHold, checkBytes, checkClosed, checkNothingLeft } from './check-metrics.ts';
import { Cleanup } from './cleanup.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { currentOf, findPoints } from './otlp.ts';
import { establishedEnds } from './truth.ts';
import type { Truth } from './truth.ts';
import { waitFor } from './wait.ts';
import { buildWorkloads, holdTruth } from './workloads.ts';

const SETTINGS = { WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on' };
const EXECUTABLE = 'process.executable.name';

describe('53 connections and their listeners, older than the agent', () => {
  const cleanup = new Cleanup();
  let truth: Truth;
  let output: Output;
  let activeWhileHeld: Record<string, number | undefined>;
  let listenersWhileHeld: number | undefined;

  before(async () => {
    await buildWorkloads();
    const held = await holdTruth();
    cleanup.add(held.kill);
    const observation = await observe(cleanup, { settings: SETTINGS });
    const active = (executable: string): number | undefined =>
      currentOf(observation.read().metrics, 'wirespan.tcp.connection.active', {
        resource: { [EXECUTABLE]: executable },
      });
    // Two exports: the values are then those of a whole pass over the sockets.
    await waitFor('two exports of live connections', () => {
      const points = findPoints(observation.read().metrics, 'wirespan.tcp.connection.active');
      return new Set(points.map(({ timeNs }) => timeNs)).size >= 2;
    });
    const programs = ['truth-client', 'truth-server', 'truth-worker'];
    activeWhileHeld = Object.fromEntries(programs.map((program) => [program, active(program)]));
    listenersWhileHeld = currentOf(observation.read().metrics, 'wirespan.tcp.listener.count', {
      resource: { [EXECUTABLE]: 'truth-server' },
    });
    truth = await held.finish();
    output = await observation.finish();
  });
  after(() => cleanup.run());

  it('counts them as active, under the process that has them open', () => {
    const count = (executable: string): number =>
      establishedEnds(truth).filter(({ end }) => end.executable === executable).length;
    assert.deepEqual(activeWhileHeld, {
      'truth-client': count('truth-client'),
      'truth-server': count('truth-server'),
      'truth-worker': count('truth-worker'),
    });
  });

  it('counts their listeners', () => {
    assert.equal(listenersWhileHeld, truth.listeners.length);
  });

  it('does not count them as opened', () => {
    for (const name of ['wirespan.tcp.connection.opened', 'wirespan.tcp.handshake.duration']) {
      const points = findPoints(output.metrics, name).filter(({ resource, value }) =>
        String(resource[EXECUTABLE] ?? '').startsWith('truth-') && value !== 0,
      );
      assert.deepEqual(points, []);
    }
  });

  const checks: Record<string, () => string[]> = {
    'close events, with the whole connection in them,': () => checkCloseEvents(truth, output.logs, true),
    'listener events': () => checkListenerEvents(truth, output.logs, true),
    'closed connections': () => checkClosed(truth, output.metrics),
    'bytes since the start of the agent': () => checkBytes(truth, output.metrics, bytesAfterHold),
    'nothing is left': () => checkNothingLeft(output.metrics),
  };
  for (const [name, check] of Object.entries(checks)) {
    it(`${name} agree with the workload exactly`, () => {
      assert.equal(truth.connections.length, 53);
      assert.deepEqual(check(), []);
    });
  }
});
