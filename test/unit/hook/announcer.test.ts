/** What the hook announces of a socket, and when. */
import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { projectFolder } from '../../backends/place.ts';

interface Context {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

interface Announcer {
  begin(socket: unknown, owner: object, context: Context | undefined): void;
  end(socket: unknown, owner: object): void;
}

interface HookParts {
  readonly Announcer: new (announce: (fd: number, value: Uint8Array) => number) => Announcer;
  readonly hookUndici: (announcer: Announcer) => void;
  readonly hookHttp: (announcer: Announcer) => void;
  readonly headerContext: (value: unknown) => Context | undefined;
}

const part = async (name: string): Promise<HookParts> =>
  (await import(join(projectFolder, 'hook', `${name}.mjs`))) as HookParts;
const { Announcer } = await part('announcer');
const { headerContext } = await part('context');

const [A, B] = ['a1', 'b2'].map((byte, traceFlags) => ({
  traceId: byte.repeat(16),
  spanId: byte.repeat(8),
  traceFlags,
})) as [Context, Context];
const VALUE_OF_NONE = `0100${'00'.repeat(24)}`;
const valueOf = ({ traceId, spanId, traceFlags }: Context): string => `010${traceFlags}${traceId}${spanId}`;

/** As `net.Socket` is, as far as the hook looks at it. */
class FakeSocket extends EventEmitter {
  connecting = false;
  writableLength = 0;
  _handle: unknown = { fd: 7, writeQueueSize: 0 };
}

const said: string[] = [];
beforeEach(() => {
  said.length = 0;
});
const announcer = new Announcer((fd, value) => {
  said.push(`${fd} ${Buffer.from(value).toString('hex')}`);
  return 0;
});

describe('the announcer', () => {
  test('says a request, and its end once', () => {
    const [socket, owner] = [new FakeSocket(), {}];
    announcer.begin(socket, owner, A);
    announcer.end(socket, owner);
    announcer.end(socket, owner);
    assert.deepEqual(said, [`7 ${valueOf(A)}`, `7 ${VALUE_OF_NONE}`]);
  });

  test('a request that has the socket no more ends nothing', () => {
    const [socket, first, second] = [new FakeSocket(), {}, {}];
    announcer.begin(socket, first, A);
    announcer.begin(socket, second, B);
    announcer.end(socket, first);
    assert.deepEqual(said, [`7 ${valueOf(A)}`, `7 ${valueOf(B)}`]);
  });

  test('says nothing of a socket that never had a span, and ends one that had', () => {
    const socket = new FakeSocket();
    announcer.begin(socket, {}, undefined);
    assert.deepEqual(said, []);
    announcer.begin(socket, {}, A);
    announcer.begin(socket, {}, undefined);
    assert.deepEqual(said, [`7 ${valueOf(A)}`, `7 ${VALUE_OF_NONE}`]);
  });

  for (const [what, parts] of Object.entries({
    'in the stream': { writableLength: 3 },
    'in the handle': { _handle: { fd: 7, writeQueueSize: 3 } },
    'below TLS': { _handle: { fd: 7, writeQueueSize: 3, _parent: { writeQueueSize: 3 } } },
  }))
    test(`bytes that wait ${what} make what follows nobody's`, () => {
      announcer.begin(Object.assign(new FakeSocket(), parts), {}, A);
      assert.deepEqual(said, [`7 ${VALUE_OF_NONE}`]);
    });

  test('what TLS counts as waiting though it is written is none', () => {
    const _handle = { fd: 7, writeQueueSize: 80, _parent: { writeQueueSize: 0 } };
    announcer.begin(Object.assign(new FakeSocket(), { _handle }), {}, A);
    assert.deepEqual(said, [`7 ${valueOf(A)}`]);
  });

  test('a socket that connects is of whoever has it by then', async () => {
    const [socket, first] = [Object.assign(new FakeSocket(), { connecting: true }), {}];
    announcer.begin(socket, first, A);
    assert.deepEqual(said, []);
    socket.emit('connectionAttempt');
    await Promise.resolve();
    assert.deepEqual(said, [`7 ${valueOf(A)}`]);
    announcer.begin(socket, {}, B);
    socket.connecting = false;
    socket.emit('connect');
    assert.deepEqual(said.slice(1), [`7 ${valueOf(B)}`]);
  });

  test('throws nothing, whatever the socket or the call is', () => {
    const broken = new Announcer(() => {
      throw new Error('broken');
    });
    broken.begin(new FakeSocket(), {}, A);
    announcer.begin(Object.assign(new FakeSocket(), { _handle: null }), {}, A);
    announcer.begin(Object.assign(new FakeSocket(), { _handle: { fd: -1 } }), {}, A);
    assert.deepEqual(said, []);
  });
});

describe('the hook of undici', () => {
  const api = Symbol.for('opentelemetry.js.api.1');
  const before: unknown = Reflect.get(globalThis, api);
  after(() => Reflect.set(globalThis, api, before));
  const publish = (name: string, message: object): void => channel(name).publish(message);
  /** A request that the application makes in the span of `context`. */
  const make = (context: Context | undefined): object => {
    const span = context && { spanContext: () => context };
    Reflect.set(globalThis, api, { context: { active: () => ({ getValue: () => span }) } });
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
    (await part('undici')).hookUndici(announcer);
    (await part('http')).hookHttp(announcer);
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
