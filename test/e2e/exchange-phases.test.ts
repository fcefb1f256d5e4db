/** A request whose server and client take their time, through the agent and a collector: each span says on what its time was spent. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { checkAgainstRegistry } from '../support/registry-check.ts';
import { hex, TcpScript } from '../support/script.ts';
import { newContext, requestOf } from '../support/traceparent.ts';
import { observe, type Output } from './observe.ts';
import { findSpans } from './otlp.ts';

const PREFIX = 'wirespan.tcp.exchange.phase.';
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
        WIRESPAN_SPANS_EXCHANGE_PHASES: 'on',
      },
    });
    const { listener, port } = await server.listen();
    const [socket, accepted, request] = [client.next(), server.next(), requestOf(context)];
    await client.run('socket', socket);
    await client.run('connect', socket, port);
    await server.run('accept', accepted, listener);
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
    await client.run('close', socket);
    await server.run('close', accepted);
    output = await finish();
  });
  after(() => cleanup.run());

  /** Seconds of each phase of the only exchange of this end, and how long its span is with its last millisecond. */
  function phasesOf(role: string): { phases: Record<string, number>; length: number } {
    const [span, ...rest] = findSpans(output.spans, /^tcp exchange/).filter(
      ({ attributes }) => attributes['wirespan.tcp.handshake.role'] === role,
    );
    assert.ok(span !== undefined && rest.length === 0);
    assert.equal(span.traceId, context.traceId);
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
      assert.equal(phases['unknown'], undefined);
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

  it('are exported as the registry says', () => assert.deepEqual(checkAgainstRegistry(output.lines), []));
});
