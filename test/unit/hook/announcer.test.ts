/** What the hook announces of a socket, and when. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, test } from 'node:test';
import { A, announcer, B, FakeSocket, part, said, VALUE_OF_NONE, valueOf } from './parts.ts';

const { Announcer } = await part('announcer');

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

  test('a socket that connects is of whoever has it by then', () => {
    const [socket, first] = [Object.assign(new FakeSocket(), { connecting: true }), {}];
    socket._handle = undefined;
    announcer.begin(socket, first, A);
    assert.deepEqual(said, []);
    socket._handle = { fd: 7 };
    announcer.begin(socket, {}, B);
    assert.deepEqual(said, [`7 ${valueOf(B)}`]);
    socket.connecting = false;
    socket.emit('connect');
    assert.deepEqual(said.slice(1), [`7 ${valueOf(B)}`]);
  });

  /** A handle whose descriptor is there only once it connects. */
  class Handle {
    fd = -1;
    readonly got: unknown[] = [];
    connect(...args: readonly unknown[]): number {
      return this.#connect('connect', args);
    }
    connect6(...args: readonly unknown[]): number {
      return this.#connect('connect6', args);
    }
    #connect(name: string, args: readonly unknown[]): number {
      said.push(name);
      this.fd = 7;
      this.got.push(...args);
      return -111;
    }
  }
  const attempt = (socket: FakeSocket, family = 4): unknown => {
    socket.emit('connectionAttempt', '127.0.0.1', 80, family);
    const handle = socket._handle as Handle;
    return family === 6 ? handle.connect6('request', '::1', 80) : handle.connect('request', '127.0.0.1', 80);
  };

  for (const family of [4, 6])
    test(`says each attempt right before it, and takes it back right after (family ${family})`, () => {
      const handle = new Handle();
      const socket = Object.assign(new FakeSocket(), { connecting: true, _handle: handle });
      announcer.open(socket, A);
      announcer.open(socket, A);
      const call = family === 6 ? 'connect6' : 'connect';
      const one = [`next ${valueOf(A)}`, call, `next ${VALUE_OF_NONE}`];
      for (const _ of [1, 2]) assert.equal(attempt(socket, family), -111);
      assert.deepEqual(said, [...one, ...one]);
      assert.deepEqual(handle.got.slice(0, 3), ['request', family === 6 ? '::1' : '127.0.0.1', 80]);
      assert.deepEqual(Object.keys(handle).sort(), ['fd', 'got'], 'the handle is as it was');
    });

  test('an attempt for a request says its socket too; without a span, or without an address, nothing', () => {
    const socket = Object.assign(new FakeSocket(), { connecting: true, _handle: new Handle() });
    announcer.begin(socket, {}, A);
    attempt(socket);
    assert.deepEqual(said, [`next ${valueOf(A)}`, 'connect', `next ${VALUE_OF_NONE}`, `7 ${valueOf(A)}`]);
    said.length = 0;
    announcer.begin(socket, {}, undefined);
    attempt(socket);
    assert.deepEqual(said, [`7 ${VALUE_OF_NONE}`, 'connect']);
    said.length = 0;
    const none = Object.assign(new FakeSocket(), { connecting: true, _handle: new Handle() });
    announcer.open(none, undefined);
    attempt(none);
    announcer.open(none, A);
    none.emit('connectionAttempt', '/run/a.sock', undefined, undefined);
    none._handle.connect('request', '/run/a.sock');
    assert.deepEqual(said, ['connect', 'connect']);
  });

  test('takes nothing back where nobody listens, and always lets the call through', () => {
    for (const answer of [
      () => 92,
      () => {
        throw new Error('broken');
      },
    ]) {
      const announceConnect = (): number => {
        said.push('next');
        return answer();
      };
      const deaf = new Announcer({ announce: () => 92, announceConnect });
      const socket = Object.assign(new FakeSocket(), { connecting: true, _handle: new Handle() });
      deaf.open(socket, A);
      assert.equal(attempt(socket), -111);
    }
    const socket = Object.assign(new FakeSocket(), { connecting: true, _handle: new Handle() });
    announcer.open(socket, A);
    Object.assign(socket, { _handle: null });
    socket.emit('connectionAttempt', '127.0.0.1', 80, 4);
    assert.deepEqual(said, ['next', 'connect', 'next', 'connect']);
  });

  test('what an opened connection carries is nobody’s, before a request and after one without a span', () => {
    const socket = Object.assign(new FakeSocket(), { connecting: true });
    announcer.open(socket, A);
    announcer.begin(socket, {}, undefined);
    assert.deepEqual(said, [`7 ${VALUE_OF_NONE}`]);
  });

  test('says a write for its time, and nothing of one that nobody asked for or that has no connection', () => {
    const socket = new FakeSocket();
    const leave = announcer.write(socket, {}, A);
    assert.deepEqual(said, [`7 ${valueOf(A)}`]);
    leave?.();
    assert.deepEqual(said.slice(1), [`7 ${VALUE_OF_NONE}`]);
    said.length = 0;
    assert.equal(announcer.write(socket, {}, undefined), undefined);
    assert.equal(announcer.write(Object.assign(new FakeSocket(), { connecting: true }), {}, A), undefined);
    for (const none of [undefined, new EventEmitter()]) assert.equal(announcer.write(none, {}, A), undefined);
    assert.deepEqual(said, []);
  });

  test('throws nothing, whatever the socket or the call is', () => {
    const fail = (): number => {
      throw new Error('broken');
    };
    const broken = new Announcer({ announce: fail, announceConnect: fail });
    broken.begin(new FakeSocket(), {}, A);
    announcer.begin(Object.assign(new FakeSocket(), { _handle: null }), {}, A);
    announcer.begin(Object.assign(new FakeSocket(), { _handle: { fd: -1 } }), {}, A);
    assert.deepEqual(said, []);
  });
});
