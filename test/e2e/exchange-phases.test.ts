/** A request whose server and client take their time, through the agent and a collector: each span says on what its time was spent. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { checkAgainstRegistry } from '../support/registry-check.ts';
import { hex, TcpScript } from '../support/script.ts';
import { newContext, requestOf } from '../support/traceparent.ts';
import { observe, type Output } from './observe.ts';
import type { SpanEntry } from '../backends/otlp.ts';
import { findPoints, findSpans, histogramOf } from './otlp.ts';

const PREFIX = 'wirespan.tcp.exchange.phase.';
const DURATION = 'wirespan.tcp.exchange.phase.duration';
const PHASES =
  'handshake request accept_queue receive_queue application send retransmit peer response acknowledgement unknown'.split(
    ' ',
  );
/** Requests after the first one, which have no sleeps. */
const MORE = 16;
const [FIRST, SECOND] = ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour', 'more!'];
/** The end of a span is that much before its last byte. */
const TICK_NS = 1e6;

describe('phases of an exchange', () => {
  const cleanup = new Cleanup();
  const context = newContext();
  let output: Output;
  /** By the workload's own clock, in seconds. */
  let tookAtMost: number;

  before(async () => {
    const { room, client, server } = TcpScript.openPair(cleanup);
    const { finish } = await observe(cleanup, {
      settings: {
        WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]`,
        WIRESPAN_SPANS_TCP_EXCHANGE: 'always',
        WIRESPAN_METRICS_TCP_EXCHANGE_PHASE_DURATION: 'on',
      },
    });
    const { listener, port } = await server.listen();
    const [socket, accepted, request] = [client.next(), server.next(), requestOf(context)];
    await client.run('socket', socket);
    await client.run('connect', socket, port);
    await server.run('accept', accepted, listener);
    // Who sleeps after connect() did not make it for the request (decision 3): the handshake is not part of this one.
    await client.run('sleep', 0, 1);
    const from = process.hrtime.bigint();
    await client.run('write', socket, hex(request));
    await server.run('sleep', 0, 7);
    await server.run('read', accepted, request.length);
    await server.run('sleep', 0, 11);
    await server.run('write', accepted, hex(FIRST));
    await server.run('sleep', 0, 13);
    await server.run('write', accepted, hex(SECOND));
    await client.run('sleep', 0, 17);
    await client.run('read', socket, FIRST.length + SECOND.length);
    tookAtMost = Number(process.hrtime.bigint() - from) / 1e9;
    for (let turn = 0; turn < MORE; turn += 1) {
      const more = requestOf(newContext());
      await client.run('write', socket, hex(more));
      await server.run('read', accepted, more.length);
      await server.run('write', accepted, hex(FIRST));
      await client.run('read', socket, FIRST.length);
    }
    await client.run('close', socket);
    await server.run('close', accepted);
    output = await finish();
  });
  after(() => cleanup.run());

  /** The spans of an end. */
  const spansOf = (role: string): SpanEntry[] =>
    findSpans(output.spans, /^tcp exchange/).filter(
      ({ attributes }) => attributes['wirespan.tcp.handshake.role'] === role,
    );

  /** Seconds of each phase of the first exchange of this end, and how long its span is with its last millisecond. */
  function phasesOf(role: string): { phases: Record<string, number>; length: number } {
    const [span, ...rest] = spansOf(role).filter(({ traceId }) => traceId === context.traceId);
    assert.ok(span !== undefined && rest.length === 0);
    const found = Object.entries(span.attributes).filter(([key]) => key.startsWith(PREFIX));
    const phases = Object.fromEntries(found.map(([key, value]) => [key.slice(PREFIX.length), Number(value)]));
    return { phases, length: (Number(span.endNs - span.startNs) + TICK_NS) / 1e9 };
  }

  it('add up to the span, at both ends, and are no longer than the request was', () => {
    for (const role of ['client', 'server']) {
      const { phases, length } = phasesOf(role);
      const sum = Object.values(phases).reduce((total, seconds) => total + seconds, 0);
      assert.ok(Math.abs(sum - length) < 1e-9, `${role}: ${sum} s of ${length} s`);
      assert.ok(role === 'server' || sum <= tookAtMost, `${sum} s of ${tookAtMost} s`);
      assert.deepEqual([phases['handshake'], phases['unknown']], [undefined, undefined]);
    }
  });

  it('have each pause where it was made', () => {
    const { phases: client } = phasesOf('client');
    const { phases: server } = phasesOf('server');
    const least = { client: { peer: 18, receive_queue: 30 }, server: { receive_queue: 7, application: 24 } };
    for (const [phases, pauses] of [
      [client, least.client],
      [server, least.server],
    ] as const)
      for (const [phase, ms] of Object.entries(pauses))
        assert.ok((phases[phase] ?? 0) >= ms / 1e3, `${phase}: ${JSON.stringify(phases)}`);
  });

  it('are a histogram as well, of as many exchanges as there were, with the sums of their spans', () => {
    for (const role of ['client', 'server']) {
      const spans = spansOf(role);
      assert.equal(spans.length, 1 + MORE, role);
      for (const phase of PHASES) {
        const values = spans.flatMap(({ attributes }) => attributes[`${PREFIX}${phase}`] ?? []).map(Number);
        const where = {
          attributes: { 'wirespan.exchange.phase': phase, 'wirespan.tcp.handshake.role': role },
        };
        const { count, sum } = histogramOf(output.metrics, DURATION, where);
        assert.equal(count, values.length, `${role}: ${phase}`);
        assert.ok(Math.abs(sum - values.reduce((total, each) => total + each, 0)) < 1e-9, phase);
      }
    }
    const told = findPoints(output.metrics, DURATION, {});
    assert.ok(told.length > 0);
    assert.ok(told.every(({ attributes }) => PHASES.includes(String(attributes['wirespan.exchange.phase']))));
  });

  it('are exported as the registry says', () => assert.deepEqual(checkAgainstRegistry(output.lines), []));
});
