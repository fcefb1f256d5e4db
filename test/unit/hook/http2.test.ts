/** Whose a session's bytes are said to be, as its streams come and go. */
import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { before, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { A, announcer, B, type Context, FakeSocket, part, said, VALUE_OF_NONE, valueOf } from './parts.ts';

const publish = (name: string, message: object): void =>
  channel(`http2.client.stream.${name}`).publish(message);

/** As `ClientHttp2Stream` is, as far as the hook looks at it. */
class FakeStream extends EventEmitter {
  readableEnded = false;
  rstCode = 0;
  state = { localClose: 0 };
  readonly session: object;

  constructor(session: object, context: Context, name = 'traceparent') {
    super();
    this.session = session;
    const header = `00-${context.traceId}-${context.spanId}-0${context.traceFlags}`;
    publish('start', { stream: this, headers: { ':path': '/', [name]: header } });
  }

  respond(localClose = 1): void {
    this.state = { localClose };
    publish('finish', { stream: this });
  }

  close(rstCode = 0): void {
    this.rstCode = rstCode;
    publish('close', { stream: this });
    this.emit('close');
  }
}

describe('the hook of http2', () => {
  before(async () => (await part('http2')).hookHttp2(announcer));
  const open = (): object => ({ socket: new FakeSocket() });
  const [ofA, ofB, ofNone] = [`7 ${valueOf(A)}`, `7 ${valueOf(B)}`, `7 ${VALUE_OF_NONE}`];

  test('one stream after the other is said, and its end once', () => {
    const session = open();
    for (const context of [A, B]) {
      const stream = new FakeStream(session, context);
      stream.respond();
      stream.close();
    }
    assert.deepEqual(said, [ofA, ofNone, ofB, ofNone]);
  });

  test('a stream that is told to end after the next one began is over when its response was read', () => {
    const session = open();
    const first = new FakeStream(session, A);
    first.respond();
    first.readableEnded = true;
    const second = new FakeStream(session, B);
    first.close();
    assert.deepEqual(said, [ofA, ofB]);
    second.respond();
    second.close();
    assert.deepEqual(said.slice(2), [ofNone]);
  });

  for (const [what, play] of Object.entries({
    'whose response was not read': (stream: FakeStream) => stream.respond(),
    'whose request was not sent before its response': (stream: FakeStream) => {
      stream.respond(0);
      stream.readableEnded = true;
    },
    'that has no response': () => undefined,
  }))
    test(`beside a stream ${what}, bytes are nobody’s until both are over`, () => {
      const session = open();
      const first = new FakeStream(session, A);
      play(first);
      const second = new FakeStream(session, B);
      assert.deepEqual(said, [ofA, ofNone]);
      said.length = 0;
      second.respond();
      second.close();
      const third = new FakeStream(session, B);
      assert.ok(!said.includes(ofB), 'the first is open still');
      for (const stream of [first, third]) {
        stream.respond();
        stream.close();
      }
    });

  test('after several, the next one alone is said', () => {
    const session = open();
    const streams = [new FakeStream(session, A), new FakeStream(session, A)];
    for (const stream of streams) {
      stream.respond();
      stream.close();
    }
    said.length = 0;
    new FakeStream(session, B);
    assert.deepEqual(said, [ofB]);
  });

  for (const [what, play] of Object.entries({
    'that was cancelled': (stream: FakeStream) => {
      stream.respond();
      stream.close(8);
    },
    'whose request ended after its response began': (stream: FakeStream) => {
      stream.respond(0);
      stream.close();
    },
  }))
    test(`what a stream ${what} may have left is written in its turn, and is nobody’s`, async () => {
      const session = open();
      play(new FakeStream(session, A));
      said.length = 0;
      const second = new FakeStream(session, B);
      assert.ok(!said.includes(ofB));
      second.respond();
      second.close();
      await turn();
      new FakeStream(session, B);
      assert.equal(said.at(-1), ofB);
    });

  test('other sessions are nothing to it; a name in capitals counts, and two of them do not', () => {
    new FakeStream(open(), A);
    new FakeStream(open(), B, 'Traceparent');
    assert.deepEqual(said, [ofA, ofB]);
    said.length = 0;
    const header = `00-${B.traceId}-${B.spanId}-01`;
    const stream = Object.assign(new EventEmitter(), { session: open() });
    publish('start', { stream, headers: { traceparent: header, Traceparent: header } });
    publish('start', { stream: Object.assign(new EventEmitter(), { session: open() }) });
    assert.deepEqual(said, [ofNone, ofNone], 'what its connecting was said to be for is over');
  });
});
