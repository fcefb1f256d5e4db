/** What a server's answers lose is under the span of who asked, by the `traceparent` that arrived. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { Dropper } from '../support/dropper.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { hex, TcpScript } from '../support/script.ts';
import { head, newContext, requestOf } from '../support/traceparent.ts';
import { observe, type Output } from './observe.ts';
import { findEvents, findSpans, totalOf } from './otlp.ts';
import { checkUntold } from './untold.ts';

const SERVICE = 'served';
const CONNECTIONS = 7;
/** Below those of listeners: what is lost of answers is chosen by the client's port. */
const FIRST_PORT = 12_000;
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const RETRANSMITS = 'wirespan.tcp.retransmits';
const LINK = {
  'wirespan.correlation.method': 'http1_window',
  'wirespan.correlation.confidence': 'high',
};

describe('answers that are lost', () => {
  const cleanup = new Cleanup();
  const requests = Array.from({ length: CONNECTIONS }, (_, index) => ({
    ...newContext(),
    id: `/${index}`,
    clientPort: FIRST_PORT + index,
  }));
  const unsampled = newContext(0);
  let output: Output;

  before(async () => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const [server, client] = [SERVICE, 'asking'].map((name) => {
      const script = TcpScript.start(room, { env: { OTEL_SERVICE_NAME: name } });
      cleanup.add(() => script.stop());
      return script;
    }) as [TcpScript, TcpScript];
    const dropper = Dropper.attach(room);
    cleanup.add(() => dropper.close());
    const { listener, port } = await server.listen();
    const { finish } = await observe(cleanup, {
      settings: { WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]` },
    });
    const ask = async (clientPort: number, request: string): Promise<void> => {
      const [from, to] = [client.next(), server.next()];
      dropper.rest();
      await client.run('socket', from);
      await client.run('bind', from, clientPort);
      await client.run('connect', from, port);
      await server.run('accept', to, listener);
      await client.run('write', from, hex(request));
      await server.run('read', to, request.length);
      dropper.lose(clientPort);
      await server.run('write', to, hex(ANSWER));
      await client.run('read', from, ANSWER.length);
      await client.run('close', from);
      await server.run('close', to);
    };
    for (const { clientPort, ...context } of requests) await ask(clientPort, requestOf(context));
    await ask(FIRST_PORT + CONNECTIONS, requestOf(unsampled));
    await ask(FIRST_PORT + CONNECTIONS + 1, head([]));
    output = await finish();
  });
  after(() => cleanup.run());

  it('were all sent again', () => {
    const total = totalOf(output.metrics, RETRANSMITS, { resource: { 'service.name': SERVICE } });
    assert.equal(total, CONNECTIONS + 2);
  });

  it('have an exchange under the span of who asked, with their own spans below, and there alone', () => {
    const served = findSpans(output.spans, /^tcp /, { resource: { 'service.name': SERVICE } });
    const exchanges = served.filter(({ name }) => name.startsWith('tcp exchange'));
    const spans = findSpans(output.spans, /^tcp retransmit/);
    const exchangeOf = ({ parentSpanId }: (typeof spans)[number]) =>
      exchanges.find(({ spanId }) => spanId === parentSpanId);
    const askedBy = spans.map((span) => exchangeOf(span)?.parentSpanId);
    const untold = requests.filter(({ spanId }) => !askedBy.includes(spanId));
    checkUntold(untold, output, SERVICE);
    assert.equal(spans.length, CONNECTIONS - untold.length);
    for (const span of spans) {
      const { traceId, attributes, resource } = span;
      const exchange = exchangeOf(span);
      const request = requests.find(({ spanId }) => spanId === exchange?.parentSpanId);
      assert.deepEqual([traceId, exchange?.traceId], [request?.traceId, request?.traceId]);
      assert.equal(exchange?.attributes['wirespan.tcp.exchange.bytes_sent'], ANSWER.length);
      assert.equal(resource['service.name'], SERVICE);
      const { 'network.peer.port': peerPort, ...others } = attributes;
      assert.equal(peerPort, request?.clientPort);
      for (const [name, value] of Object.entries(LINK)) assert.equal(others[name], value);
    }
  });

  it('have an event each, on the trace where there is one, sampled or not', () => {
    const events = findEvents(output.logs, 'wirespan.tcp.retransmit', {
      resource: { 'service.name': SERVICE },
    });
    const asked = [...requests, { ...unsampled, id: '/unsampled' }];
    const untold = asked.filter(({ traceId }) => events.every((event) => event.traceId !== traceId));
    checkUntold(untold, output, SERVICE);
    const traceless = events.filter(({ traceId }) => asked.every((request) => request.traceId !== traceId));
    assert.deepEqual(
      traceless.map(({ traceId, attributes }) => [traceId, attributes['network.peer.port']]),
      traceless.map(() => ['', FIRST_PORT + CONNECTIONS + 1]),
    );
    assert.equal(events.length, asked.length - untold.length + traceless.length);
    assert.ok(traceless.length <= 1);
  });
});
