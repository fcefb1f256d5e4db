import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { findEvents, findPoints, totalOf, totalsBy } from './otlp.ts';
import { buildWorkloads, runChurn } from '../support/workloads.ts';
import type { ChurnTruth } from '../support/workloads.ts';

const CONNECTIONS = 50_000;
const CLOSE = 'wirespan.tcp.connection.close';
const CHURN = { resource: { 'process.executable.name': 'churn' } };

/** Close events only, so that every event is one end of one connection. */
const SETTINGS = {
  WIRESPAN_BPF_RING_BUFFER_SIZE: '4096',
  WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on',
  WIRESPAN_EVENTS_TCP_CONNECTION_FAIL: 'off',
  WIRESPAN_EVENTS_TCP_LISTENER_START: 'off',
  WIRESPAN_EVENTS_TCP_LISTENER_STOP: 'off',
  WIRESPAN_EVENTS_TCP_RETRANSMIT: 'off',
};

describe('conservation: 50,000 connections through the smallest ring buffer', () => {
  const cleanup = new Cleanup();
  let truth: ChurnTruth;
  let output: Output;
  let rssBytes: number;

  before(async () => {
    await buildWorkloads();
    const observation = await observe(cleanup, { settings: SETTINGS });
    truth = await runChurn(CONNECTIONS, { pairs: 2 });
    rssBytes = observation.agent.rssBytes();
    output = await observation.finish();
  });
  after(() => cleanup.run());

  const totals = (name: string, ...by: string[]): Record<string, number> =>
    totalsBy(findPoints(output.metrics, name, CHURN), by);

  it('sums of the kernel are the sums exported', () => {
    assert.equal(truth.connections, CONNECTIONS);
    const role = 'wirespan.tcp.handshake.role';
    const bytes = truth.bytesEachWay;
    assert.deepEqual(
      {
        opened: totals('wirespan.tcp.connection.opened', role),
        closed: totals('wirespan.tcp.connection.closed', role, 'wirespan.tcp.close.reason'),
        bytes: totals('wirespan.tcp.io', role, 'network.io.direction'),
      },
      {
        opened: { client: CONNECTIONS, server: CONNECTIONS },
        closed: { 'client|peer_fin': CONNECTIONS, 'server|local_fin': CONNECTIONS },
        bytes: {
          'client|transmit': bytes,
          'client|receive': bytes,
          'server|transmit': bytes,
          'server|receive': bytes,
        },
      },
    );
  });

  it('events exported + events lost = events produced', (t) => {
    const produced = totalOf(output.metrics, 'wirespan.tcp.connection.closed');
    const exported = findEvents(output.logs, CLOSE).length;
    // Other programs send no events here: what they lost are names of processes.
    const lost = totalsBy(
      findPoints(output.metrics, 'wirespan.agent.event.lost').filter(({ attributes }) =>
        [undefined, 'inet_sock_set_state'].includes(
          attributes['wirespan.agent.probe.name'] as string | undefined,
        ),
      ),
      ['wirespan.agent.probe.name', 'error.type'],
    );
    const lostTotal = Object.values(lost).reduce((total, count) => total + count, 0);
    t.diagnostic(
      `${CONNECTIONS} connections in ${truth.seconds} s (${Math.round(CONNECTIONS / truth.seconds)}/s); ` +
        `events produced ${produced}, exported ${exported}, lost ${JSON.stringify(lost)}; ` +
        `agent ${Math.round(rssBytes / 1e6)} MB resident`,
    );
    assert.ok(lostTotal > 0, 'the ring buffer must have been too small');
    assert.equal(exported + lostTotal, produced);
  });
});
