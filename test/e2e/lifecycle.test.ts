import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  checkAcceptEvents,
  checkCloseEvents,
  checkFailEvents,
  checkListenerEvents,
  checkOpenEvents,
} from './check-events.ts';
import {
  allBytes,
  checkAccepts,
  checkBytes,
  checkClosed,
  checkDurations,
  checkNothingLeft,
  checkNothingLost,
  checkOpened,
  checkRetransmits,
} from './check-metrics.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { checkAgainstRegistry } from '../support/registry-check.ts';
import type { Truth } from '../support/truth.ts';
import { buildWorkloads, runTruth } from '../support/workloads.ts';

const SETTINGS = {
  WIRESPAN_EVENTS_TCP_CONNECTION_OPEN: 'on',
  WIRESPAN_EVENTS_TCP_CONNECTION_ACCEPT: 'on',
  WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on',
  WIRESPAN_ATTRIBUTES_NETWORK_TYPE: 'on',
};

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  describe(`61 connections of every kind, exported by ${protocol}`, () => {
    const cleanup = new Cleanup();
    let truth: Truth;
    let output: Output;

    before(async () => {
      await buildWorkloads();
      const observation = await observe(cleanup, { settings: SETTINGS, protocol });
      truth = await runTruth();
      output = await observation.finish();
    });
    after(() => cleanup.run());

    const checks: Record<string, () => string[]> = {
      'names, units and attributes': () => checkAgainstRegistry(output.lines),
      'figures of what was lost': () => checkNothingLost(output.metrics),
      'close events': () => checkCloseEvents(truth, output.logs),
      'fail events': () => checkFailEvents(truth, output.logs),
      'open events': () => checkOpenEvents(truth, output.logs),
      'accept events': () => checkAcceptEvents(truth, output.logs),
      'listener events': () => checkListenerEvents(truth, output.logs),
      'attempts and handshake times': () => checkOpened(truth, output.metrics),
      'closed connections': () => checkClosed(truth, output.metrics),
      'connection durations': () => checkDurations(truth, output.metrics),
      'payload bytes': () => checkBytes(truth, output.metrics, allBytes),
      accepts: () => checkAccepts(truth, output.metrics),
      retransmissions: () => checkRetransmits(truth, output.metrics),
      'nothing is left': () => checkNothingLeft(truth, output.metrics),
    };
    for (const [name, check] of Object.entries(checks)) {
      it(`${name} agree with the workload exactly`, () => {
        assert.equal(truth.connections.length, 61);
        assert.deepEqual(check(), []);
      });
    }
  });
}
