/** Which request a retransmitted byte belongs to: scenes on one connection, with segments really lost. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { Conversation, untilSeen, type Stage } from './rig/conversation.ts';
import { openStage } from './rig/stage.ts';
import { hex } from '../support/script.ts';
import { head, newContext, padding, requestOf, valueOf } from '../support/traceparent.ts';

const REPLY = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
/** Smaller than a request: neighbours are not merged into one segment when they are sent again. */
const SMALL_MSS = 100;

describe('bytes of requests', () => {
  const cleanup = new Cleanup();
  let stage: Stage;

  before(async () => {
    stage = await openStage(cleanup);
  });
  after(() => cleanup.run());

  /** A scene on a connection that has already carried one request. */
  const scene = (play: (c: Conversation) => Promise<void>, mss = 0): Promise<Conversation> =>
    untilSeen(async () => {
      const c = await Conversation.open(stage, { mss });
      await play(c);
      await c.settle();
      return c;
    });
  const spans = (c: Conversation): Set<string | undefined> =>
    new Set(c.lostContexts().map((context) => context?.spanId));

  test('keep-alive: the loss of the second of three', async () => {
    const [a, b, d] = [newContext(), newContext(), newContext()];
    const c = await scene(async (c) => {
      for (const context of [a, b, d]) {
        if (context === b) c.lose();
        else c.spare();
        await c.write(requestOf(context), context);
        await stage.script.run('write', c.server, hex(REPLY));
        await stage.script.run('read', c.client, REPLY.length);
        await c.settle();
      }
    });
    assert.deepEqual(c.lostContexts(), [b]);
  });

  test('a late retransmission belongs to the earlier request', async () => {
    const [a, b] = [newContext(), newContext()];
    const c = await scene(async (c) => {
      c.lose(2);
      await c.write(requestOf(a), a);
      c.spare(2);
      await c.write(requestOf(b), b);
    });
    assert.ok(c.retransmits().length >= 2);
    assert.deepEqual(spans(c), new Set([a.spanId]));
  });

  test('a request without a context inherits none', async () => {
    const c = await scene(async (c) => {
      c.lose();
      await c.write(head([]));
    });
    assert.deepEqual(c.lostContexts(), [undefined]);
  });

  test('pipelined in one write: each half under its own', async () => {
    const [a, b] = [newContext(), newContext()];
    const first = requestOf(a);
    const filler = padding(536 - first.length);
    const padded = head([`traceparent: ${valueOf(a)}`, filler]);
    assert.equal(padded.length, 536);
    const c = await scene(async (c) => {
      c.lose();
      await c.writeAll([
        [padded, a],
        [requestOf(b), b],
      ]);
    }, 536);
    assert.deepEqual(spans(c), new Set([a.spanId, b.spanId]));
  });

  test('four outstanding requests are all found', async () => {
    const contexts = [newContext(), newContext(), newContext(), newContext()];
    const c = await scene(async (c) => {
      c.lose();
      for (const context of contexts) await c.write(requestOf(context), context);
    }, SMALL_MSS);
    assert.deepEqual(spans(c), new Set(contexts.map(({ spanId }) => spanId)));
  });

  test('a head sent three times is one request', async () => {
    const a = newContext();
    const before = stage.watcher.count('PROBE_REQUEST', 'HIT_HEADER');
    const c = await scene(async (c) => {
      c.lose(3);
      await c.write(requestOf(a), a);
    });
    assert.ok(c.retransmits().length >= 3);
    assert.ok(stage.watcher.count('PROBE_REQUEST', 'HIT_HEADER') - before >= 2);
  });

  test('a body that looks like a request belongs to its own request', async () => {
    const [a, b] = [newContext(), newContext()];
    const body = requestOf(newContext());
    const post = head([`traceparent: ${valueOf(a)}`, `Content-Length: ${body.length}`], 'POST / HTTP/1.1');
    const ways: ((c: Conversation) => Promise<void>)[] = [
      (c) => c.write(post + body, a),
      async (c) => {
        await c.write(post, a);
        await c.write(body, a);
      },
      async (c) => {
        await c.write(post + body.slice(0, 5), a);
        await c.write(body.slice(5), a);
      },
    ];
    for (const way of ways) {
      const c = await scene(async (c) => {
        c.lose();
        await way(c);
        await c.write(requestOf(b), b);
      }, SMALL_MSS);
      assert.deepEqual(spans(c), new Set([a.spanId, b.spanId]));
    }
  });

  test('after a chunked head, an upgrade or CONNECT: the head only', async () => {
    const a = newContext();
    const traceparent = `traceparent: ${valueOf(a)}`;
    const heads = [
      head([traceparent, 'Transfer-Encoding: chunked'], 'POST / HTTP/1.1'),
      head([traceparent, 'Connection: Upgrade', 'Upgrade: websocket']),
      head([traceparent], 'CONNECT a.test:80 HTTP/1.1'),
    ];
    for (const text of heads) {
      const c = await scene(async (c) => {
        c.lose();
        await c.write(text, a);
        await c.write(requestOf(newContext()));
      });
      assert.deepEqual(spans(c), new Set([a.spanId, undefined]));
    }
  });

  test('flags are those of the header', async () => {
    for (const flags of [0, 2, 3]) {
      const a = newContext(flags);
      const c = await scene(async (c) => {
        c.lose();
        await c.write(requestOf(a), a);
      });
      assert.deepEqual(c.lostContexts(), [a]);
    }
  });

  test('a request that waits for 100 Continue, HEAD, HTTP/1.0', async () => {
    const [a, b, d] = [newContext(), newContext(), newContext()];
    const expect = ['Expect: 100-continue', 'Content-Length: 11'];
    const c = await scene(async (c) => {
      c.lose();
      await c.write(head([`traceparent: ${valueOf(a)}`, ...expect], 'PUT / HTTP/1.1'), a);
      await stage.script.run('write', c.server, hex('HTTP/1.1 100 Continue\r\n\r\n'));
      await c.write('x'.repeat(11), a);
      await c.write(head([`traceparent: ${valueOf(b)}`], 'HEAD / HTTP/1.1'), b);
      await c.write(head([`traceparent: ${valueOf(d)}`], 'GET / HTTP/1.0'), d);
    }, SMALL_MSS);
    assert.deepEqual(spans(c), new Set([a.spanId, b.spanId, d.spanId]));
  });

  test('sendfile is not read', async () => {
    const c = await scene(async (c) => {
      const bytes = requestOf(newContext());
      c.lose();
      await stage.script.run('sendfile', c.client, hex(bytes));
      c.noteWritten(bytes.length);
    });
    assert.deepEqual(c.lostContexts(), [undefined]);
  });

  test('head and body in one writev', async () => {
    const a = newContext();
    const body = requestOf(newContext());
    const post = head([`traceparent: ${valueOf(a)}`, `Content-Length: ${body.length}`], 'POST / HTTP/1.1');
    const c = await scene(async (c) => {
      c.lose();
      await stage.script.run('write', c.client, hex(post), hex(body));
      c.noteWritten(post.length + body.length, a);
    });
    assert.deepEqual(c.lostContexts(), [a]);
  });

  test('a long body in many writes', async () => {
    const a = newContext();
    const length = 300_007;
    const c = await scene(async (c) => {
      stage.dropper.lose(stage.port, { permille: 300 });
      const post = head([`traceparent: ${valueOf(a)}`, `Content-Length: ${length}`], 'POST / HTTP/1.1');
      await c.write(post, a);
      await stage.script.run('fill', c.client, length);
      c.noteWritten(length, a);
      const b = newContext();
      c.lose();
      await c.write(requestOf(b), b);
    });
    assert.ok(c.retransmits().length > 1);
  });
});
