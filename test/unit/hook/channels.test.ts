/** Which requests, and which connects, the hook learns of from Node's and undici's channels. */
import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { after, describe, test } from 'node:test';
import { A, announcer, B, type Context, FakeSocket, part, said, VALUE_OF_NONE, valueOf } from './parts.ts';

const { headerContext } = await part('context');

describe('the hooks of channels', () => {
  const api = Symbol.for('opentelemetry.js.api.1');
  const before: unknown = Reflect.get(globalThis, api);
  after(() => Reflect.set(globalThis, api, before));
  const publish = (name: string, message: object): void => channel(name).publish(message);
  const activate = (span: object | undefined, suppressed?: boolean): void => {
    const active = {
      getValue: (key: symbol): unknown => (key.description?.includes('SUPPRESS') ? suppressed : span),
    };
    Reflect.set(globalThis, api, { context: { active: () => active } });
  };
  /** A request that the application makes in the span of `context`. */
  const make = (context: Context | undefined): object => {
    activate(context && { spanContext: () => context });
    const request = {};
    publish('undici:request:create', { request });
    return request;
  };
  const connect = (socket: FakeSocket): void => {
    publish('undici:client:beforeConnect', {});
    publish('net.client.socket', { socket });
  };
  const openedFor = async (play: (socket: FakeSocket) => void | Promise<void>): Promise<string[]> => {
    const socket = new FakeSocket();
    await play(socket);
    return said;
  };

  test('is switched on', async () => {
    const owners = [(await part('undici')).hookUndici(announcer), (await part('http')).hookHttp(announcer)];
    (await part('net')).hookNet(announcer, owners);
  });

  test('a connection that a request opens is its own, and ends with it', async () => {
    const got = await openedFor((socket) => {
      const request = make(A);
      connect(socket);
      publish('undici:request:error', { request });
    });
    assert.deepEqual(got, [`7 ${valueOf(A)}`, `7 ${VALUE_OF_NONE}`]);
  });

  test('one that is opened later, again, or without undici is nobody’s', async () => {
    const later = await openedFor(async (socket) => {
      make(A);
      await Promise.resolve();
      connect(socket);
    });
    assert.deepEqual(later, []);
    const without = await openedFor((socket) => {
      make(A);
      publish('net.client.socket', { socket });
    });
    assert.deepEqual(without, []);
    await Promise.resolve();
    const again = await openedFor((socket) => {
      make(A);
      connect(new FakeSocket());
      connect(socket);
    });
    assert.deepEqual(again, [`7 ${valueOf(A)}`]);
  });

  test('what the head carries wins over the span in which it was made; HTTP/2 is left alone', () => {
    const [socket, request] = [new FakeSocket(), make(A)];
    const headers = `GET / HTTP/1.1\r\ntraceparent: 00-${B.traceId}-${B.spanId}-01\r\n`;
    publish('undici:client:sendHeaders', {
      request,
      headers,
      socket: Object.assign(new FakeSocket(), { alpnProtocol: 'h2' }),
    });
    assert.deepEqual(said, []);
    publish('undici:client:sendHeaders', { request, headers, socket });
    publish('undici:request:trailers', { request });
    publish('undici:client:sendHeaders', { request, headers: '', socket });
    assert.deepEqual(said, [`7 ${valueOf(B)}`, `7 ${VALUE_OF_NONE}`, `7 ${valueOf(A)}`]);
  });

  test('a request of node:http is met once, by either of its events', () => {
    make(A);
    const socket = new FakeSocket();
    for (const [first, second] of [
      ['created', 'start'],
      ['start', 'created'],
      ['start', 'start'],
      ['created', 'created'],
    ] as const) {
      said.length = 0;
      const request = Object.assign(new EventEmitter(), { getHeader: () => undefined });
      publish(`http.client.request.${first}`, { request });
      publish(`http.client.request.${second}`, { request });
      request.emit('socket', socket);
      request.emit('close');
      assert.deepEqual(said, [`7 ${valueOf(A)}`, `7 ${VALUE_OF_NONE}`]);
    }
  });

  /** Whether a socket that is told of now connects for the active span. */
  const isOpened = (): boolean => {
    const connects: string[] = [];
    const connect = (): number => connects.push('connect');
    const handle = { connect };
    const socket = Object.assign(new FakeSocket(), { connecting: true, _handle: handle });
    publish('net.client.socket', { socket });
    socket.emit('connectionAttempt', '127.0.0.1', 80, 4);
    said.length = 0;
    handle.connect();
    assert.equal(handle.connect, connect, 'as it was');
    assert.deepEqual(connects, ['connect']);
    return said.length > 0;
  };

  test('any socket connects for the active span, unless that is over, or its making is not traced', () => {
    const sampled = { spanContext: () => B };
    activate(sampled);
    assert.equal(isOpened(), true);
    assert.deepEqual(said, [`next ${valueOf(B)}`, `next ${VALUE_OF_NONE}`]);
    for (const [isRecording, isExpected] of [
      [true, true],
      [false, false],
    ] as const) {
      activate({ ...sampled, isRecording: () => isRecording });
      assert.equal(isOpened(), isExpected);
    }
    activate({ spanContext: () => A, isRecording: () => false });
    assert.equal(isOpened(), true, 'not sampled, so never recording');
    activate(sampled, true);
    assert.equal(isOpened(), false);
    activate(undefined);
    assert.equal(isOpened(), false);
  });

  test('undici connects for the request that it makes, and at any other time for nobody', async () => {
    await Promise.resolve();
    make(A);
    publish('undici:client:beforeConnect', {});
    activate({ spanContext: () => B });
    assert.equal(isOpened(), true);
    assert.deepEqual(said.slice(0, 1), [`next ${valueOf(A)}`]);
    publish('undici:client:beforeConnect', {});
    assert.equal(isOpened(), false);
    assert.equal(isOpened(), true, 'not undici’s');
  });

  test('while a request waits for an agent’s connection, sockets that connect are nobody’s', () => {
    for (const end of ['socket', 'close']) {
      make(B);
      const request = Object.assign(new EventEmitter(), { getHeader: () => undefined, agent: {} });
      const other = Object.assign(new EventEmitter(), { getHeader: () => undefined });
      request.agent = { requests: { 'one:80:': [other], 'two:80:': [other, request] } };
      Object.assign(other, { agent: request.agent });
      publish('http.client.request.created', { request });
      assert.equal(isOpened(), false);
      request.emit(end, new FakeSocket());
      assert.equal(isOpened(), true);
    }
    const served = Object.assign(new EventEmitter(), {
      getHeader: () => undefined,
      agent: { requests: { 'one:80:': [{}] } },
    });
    publish('http.client.request.created', { request: served });
    assert.equal(isOpened(), true);
  });
});

test('a header counts as W3C says', () => {
  const ids = `${B.traceId}-${B.spanId}`;
  assert.deepEqual(headerContext(`00-${ids}-01`), B);
  assert.deepEqual(headerContext(`01-${ids}-01-more`), B);
  for (const wrong of [
    undefined,
    7,
    `ff-${ids}-01`,
    `00-${ids}-01-more`,
    `00-${ids.toUpperCase()}-01`,
    `00-${'0'.repeat(32)}-${B.spanId}-01`,
    `00-${B.traceId}-${'0'.repeat(16)}-01`,
  ])
    assert.equal(headerContext(wrong), undefined, String(wrong));
});
