/** Packets of requests and of answers that this host's own filter drops: a span on the trace of each request, and of no other. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { checkAgainstRegistry } from '../support/registry-check.ts';
import { hex, TcpScript } from '../support/script.ts';
import { newContext, requestOf, type Context } from '../support/traceparent.ts';
import { observe, type Output } from './observe.ts';
import { findEvents, findSpans } from './otlp.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n'.padEnd(99 + 39, 'r');
/** So many packets of a head are dropped, one after the other; the next one passes. */
const DROPS = 2;
/** The clocks are read anew between two spans that leave one after the other. */
const NOISE_NS = 5_000_000n;
/** An acknowledgement has at most 60 bytes with its header, a head more. */
const heads = (end: string): string =>
  `tcp ${end} meta length > 100 numgen inc mod ${DROPS + 1} != ${DROPS} counter drop`;

describe('packets that the host drops of requests', () => {
  const cleanup = new Cleanup();
  const [sampled, unsampled, whole] = [[newContext(), newContext()], newContext(0), newContext()];
  const answered = [newContext(), newContext()];
  let output: Output;
  let port: number;

  before(async () => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const [client, server] = [TcpScript.start(room), TcpScript.start(room)];
    cleanup.add(() => client.stop());
    cleanup.add(() => server.stop());
    const { finish } = await observe(cleanup, {
      settings: {
        WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]`,
        WIRESPAN_SPANS_TCP_EXCHANGE: 'always',
      },
    });
    let listener: number;
    ({ listener, port } = await server.listen());
    const ask = async (context: Context): Promise<void> => {
      const [socket, accepted, request] = [client.next(), server.next(), requestOf(context)];
      await client.run('socket', socket);
      await client.run('connect', socket, port);
      await server.run('accept', accepted, listener);
      await client.run('write', socket, hex(request));
      await server.run('read', accepted, request.length);
      await server.run('write', accepted, hex(ANSWER));
      await client.run('read', socket, ANSWER.length);
      await client.run('close', socket);
      await server.run('close', accepted);
    };
    await ask(whole);
    room.filterOutput(heads(`dport ${port}`));
    for (const context of [...sampled, unsampled]) await ask(context);
    room.filterOutput(heads(`sport ${port}`));
    for (const context of answered) await ask(context);
    assert.match(
      room.exec('nft', 'list', 'ruleset'),
      new RegExp(`counter packets ${answered.length * DROPS} `),
    );
    output = await finish();
  });
  after(() => cleanup.run());

  const dropsOf = (traceId: string): Output['spans'] =>
    findSpans(output.spans, /^tcp drop$/).filter((span) => span.traceId === traceId);

  /** The span of the only episode of this request, whose parent is the exchange of that end. */
  const episodeOf = ({ traceId, spanId }: Context, role: string): Output['spans'][number] => {
    const [span, ...rest] = dropsOf(traceId);
    assert.ok(span !== undefined && rest.length === 0, traceId);
    const exchange = findSpans(output.spans, /^tcp exchange/).find((one) => one.spanId === span.parentSpanId);
    assert.equal(exchange?.parentSpanId, spanId);
    assert.equal(exchange.attributes['wirespan.tcp.handshake.role'], role);
    const [from, to] = [span.startNs - exchange.startNs, exchange.endNs - span.endNs];
    assert.ok(from >= -NOISE_NS && to >= -NOISE_NS, `${from} ns after its begin, ${to} before its end`);
    return span;
  };

  it('are one span of each, under its exchange, with all of them', () => {
    for (const context of sampled) {
      const { attributes } = episodeOf(context, 'client');
      assert.equal(attributes['wirespan.packet.drop.packets'], DROPS);
      assert.equal(attributes['wirespan.packet.drop.reason'], 'netfilter_drop');
      assert.equal(attributes['destination.port'], port);
      assert.equal(attributes['wirespan.correlation.method'], 'http1_header');
    }
  });

  it('are one of each answer, under the exchange of its server', () => {
    for (const context of answered) {
      const { attributes } = episodeOf(context, 'server');
      assert.equal(attributes['wirespan.packet.drop.packets'], DROPS);
      assert.equal(attributes['source.port'], port);
    }
  });

  it('are log events one by one, also of a request that is not sampled, which has no span', () => {
    const all = [...sampled, unsampled, ...answered];
    const events = findEvents(output.logs, 'wirespan.packet.drop');
    assert.equal(events.length, all.length * DROPS);
    for (const { traceId } of all)
      assert.equal(events.filter((event) => event.traceId === traceId).length, DROPS);
    assert.equal(findSpans(output.spans, /^tcp drop$/).length, sampled.length + answered.length);
    assert.deepEqual([dropsOf(unsampled.traceId), dropsOf(whole.traceId)], [[], []]);
  });

  it('are exported as the registry says', () => assert.deepEqual(checkAgainstRegistry(output.lines), []));
});
