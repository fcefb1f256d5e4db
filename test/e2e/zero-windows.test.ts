/** A client that does not read, through the agent and a collector: the span is on the trace of the request whose answer waited. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { checkAgainstRegistry } from '../support/registry-check.ts';
import { hex, TcpScript } from '../support/script.ts';
import { newContext, requestOf } from '../support/traceparent.ts';
import { observe, type Output } from './observe.ts';
import { findEvents, findSpans } from './otlp.ts';

const TYPE = 'wirespan.tcp.zero_window';
/** The rest of a window that is smaller than a segment is used up by the first window probe, some 200 ms later: on loopback segments are large. */
const [THRESHOLD_MS, PAUSE_MS, PROBE_MS] = [50, 1_000, 600];
const BODY = 200_000;

describe('windows that are closed, over OTLP', () => {
  const cleanup = new Cleanup();
  const context = newContext();
  let output: Output;
  let serverPid: number;
  /** Within it the window was closed and opened, in seconds. */
  let tookAtMost: number;

  before(async () => {
    const { room, client, server } = TcpScript.openPair(cleanup);
    const { finish } = await observe(cleanup, {
      settings: {
        WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]`,
        WIRESPAN_EVENTS_TCP_ZERO_WINDOW: 'on',
        WIRESPAN_SPANS_TCP_ZERO_WINDOW: 'correlated',
        WIRESPAN_THRESHOLDS_ZERO_WINDOW: `${THRESHOLD_MS}ms`,
      },
    });
    serverPid = server.pid;
    const { listener, port } = await server.listen();
    const [socket, accepted, request] = [client.next(), server.next(), requestOf(context)];
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY}\r\n\r\n`;
    await client.run('socket', socket);
    await client.run('connect', socket, port);
    await server.run('accept', accepted, listener);
    await client.run('buffers', socket, 65_536, 65_536);
    await server.run('buffers', accepted, 1_000_000, 65_536);
    await client.run('write', socket, hex(request));
    await server.run('read', accepted, request.length);
    const from = process.hrtime.bigint();
    await server.run('write', accepted, hex(answer));
    await server.run('fill', accepted, BODY);
    await client.run('sleep', 0, PAUSE_MS);
    await client.run('read', socket, answer.length + BODY);
    tookAtMost = Number(process.hrtime.bigint() - from) / 1e9;
    await client.run('close', socket);
    await server.run('close', accepted);
    output = await finish();
  });
  after(() => cleanup.run());

  it('are one span on the trace, as long as the client did not read', () => {
    const [span, ...others] = findSpans(output.spans, /^tcp zero_window/);
    assert.ok(span !== undefined && others.length === 0);
    assert.deepEqual([span.traceId, span.parentSpanId], [context.traceId, context.spanId]);
    const took = Number(span.endNs - span.startNs) / 1e9;
    assert.ok(took >= (PAUSE_MS - PROBE_MS) / 1e3 && took <= tookAtMost, `${took} s of ${tookAtMost} s`);
    const waiting = Number(span.attributes[`${TYPE}.bytes_waiting`]);
    assert.ok(waiting > 0 && waiting < BODY, `${waiting} bytes`);
    assert.equal(span.attributes[`${TYPE}.end`], 'opened');
  });

  it('are one event of the server, with the same figures', () => {
    const [event, ...others] = findEvents(output.logs, TYPE, { pids: new Set([serverPid]) });
    assert.ok(event !== undefined && others.length === 0);
    const [span] = findSpans(output.spans, /^tcp zero_window/);
    for (const name of ['end', 'bytes_waiting', 'announcements'])
      assert.equal(event.attributes[`${TYPE}.${name}`], span?.attributes[`${TYPE}.${name}`]);
    assert.deepEqual([event.traceId, event.spanId], [context.traceId, context.spanId]);
  });

  it('are exported as the registry says', () => assert.deepEqual(checkAgainstRegistry(output.lines), []));
});
