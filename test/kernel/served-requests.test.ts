/** What a server's answers lose is on the request that they answer: scenes with known segments, all lost once. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { answerOf, Service, untilServed, withAnswers, type ServiceStage } from './rig/service.ts';
import { openStage } from './rig/stage.ts';
import { head, newContext, padding, requestOf, valueOf } from '../support/traceparent.ts';

/** Smaller than an answer: neighbours are not merged into one segment when they are sent again. */
const SMALL_MSS = 100;

describe('served requests', () => {
  const cleanup = new Cleanup();
  let stage: ServiceStage;

  before(async () => {
    stage = withAnswers(cleanup, await openStage(cleanup));
  });
  after(() => cleanup.run());

  const scene = (play: (s: Service) => Promise<void>, mss = 0): Promise<Service> =>
    untilServed(async () => {
      const s = await Service.open(stage, { mss });
      await play(s);
      return s;
    });

  test('keep-alive: each answer under its own request, and none inherits', async () => {
    const [a, b] = [newContext(), newContext()];
    const s = await scene(async (s) => {
      await s.exchange(requestOf(a), a);
      await s.exchange(head([]), undefined);
      await s.exchange(requestOf(b), b);
    });
    assert.deepEqual(s.spans(), [a.spanId, undefined, b.spanId]);
    const found = s.retransmits().flatMap(({ context }) => (context === undefined ? [] : [context.method]));
    assert.deepEqual(new Set(found), new Set(['http1_window']));
  });

  test('an answer in many writes is of one request', async () => {
    const a = newContext();
    const s = await scene(async (s) => {
      await s.ask(requestOf(a));
      for (const piece of [answerOf(9_000).slice(0, 40), 'b'.repeat(4_000), 'c'.repeat(4_000)])
        await s.answer(a, piece);
    });
    assert.deepEqual(s.spans(), [a.spanId, a.spanId, a.spanId]);
  });

  test('flags are those of the header', async () => {
    for (const flags of [0, 2, 3]) {
      const a = newContext(flags);
      const s = await scene((s) => s.exchange(requestOf(a), a));
      const [record] = s.retransmits();
      assert.deepEqual([record?.context?.traceFlags, s.spans()], [flags, [a.spanId]]);
    }
  });

  test('a head in segments of any size', async () => {
    for (const size of [1, 7, 41, 90]) {
      const [a, b] = [newContext(), newContext()];
      const cut = (text: string): string[] =>
        Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size));
      const s = await scene(async (s) => {
        for (const context of [a, b]) {
          await s.ask(...cut(requestOf(context)));
          await s.answer(context, answerOf());
        }
      });
      assert.deepEqual(s.spans(), [a.spanId, b.spanId], `segments of ${size} bytes`);
    }
  });

  test('segments that come again after another program dropped them', async () => {
    const [a, b] = [newContext(), newContext()];
    const s = await scene(async (s) => {
      for (const context of [a, b]) {
        stage.dropper.lose(stage.port, { copies: 1 });
        const text = requestOf(context, 500);
        await s.ask(text.slice(0, 60), text.slice(60, 400), text.slice(400));
        await s.answer(context, answerOf());
      }
    }, 536);
    assert.deepEqual(s.spans(), [a.spanId, b.spanId]);
  });

  test('the first segment comes after the others', async () => {
    for (const isFirst of [true, false]) {
      const [a, b] = [newContext(), newContext()];
      const s = await scene(async (s) => {
        if (!isFirst) await s.exchange(requestOf(b), b);
        const text = head([padding(700), `traceparent: ${valueOf(a)}`]);
        // Lost before any program can see it.
        stage.room.filter(`tcp dport ${String(stage.port)} drop`);
        await s.send(text.slice(0, 100));
        stage.room.filter();
        await s.send(text.slice(100, 500));
        await s.send(text.slice(500));
        await s.take(text.length);
        await s.answer(a, answerOf());
      });
      assert.deepEqual(s.spans(), isFirst ? [a.spanId] : [b.spanId, a.spanId]);
    }
  });

  test('bodies: in the segment of the head, in others, and like a request', async () => {
    const [a, b, d] = [newContext(), newContext(), newContext()];
    const other = requestOf(newContext());
    const post = head([`traceparent: ${valueOf(b)}`, `Content-Length: ${other.length}`], 'POST / HTTP/1.1');
    const s = await scene(async (s) => {
      await s.exchange(requestOf(a, 200_000), a);
      await s.ask(post, other);
      await s.answer(b, answerOf());
      await s.ask(post + other.slice(0, 9), other.slice(9));
      await s.answer(b, answerOf());
      await s.exchange(requestOf(d), d);
    });
    assert.deepEqual(s.spans(), [a.spanId, b.spanId, b.spanId, d.spanId]);
  });

  test('100 Continue and early hints are of their request, and the final answer too', async () => {
    const [a, b] = [newContext(), newContext()];
    const expect = [`traceparent: ${valueOf(a)}`, 'Expect: 100-continue', 'Content-Length: 11'];
    const s = await scene(async (s) => {
      await s.ask(head(expect, 'PUT / HTTP/1.1'));
      await s.answer(a, 'HTTP/1.1 100 Continue\r\n\r\n');
      await s.ask('x'.repeat(11));
      await s.answer(a, 'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n');
      await s.answer(a, answerOf());
      await s.exchange(requestOf(b), b);
    });
    assert.deepEqual(s.spans(), [a.spanId, a.spanId, a.spanId, b.spanId]);
  });

  test('an answer before the whole body came', async () => {
    const [a, b] = [newContext(), newContext()];
    const s = await scene(async (s) => {
      const text = requestOf(a, 500);
      await s.ask(text.slice(0, 300));
      await s.answer(a, answerOf(3, '413 Content Too Large'));
      await s.ask(text.slice(300));
      await s.exchange(requestOf(b), b);
    });
    assert.deepEqual(s.spans(), [a.spanId, b.spanId]);
  });

  test('what nobody asked for is nobody´s, nor what follows', async () => {
    const [a, b] = [newContext(), newContext()];
    const s = await scene(async (s) => {
      await s.exchange(requestOf(a), a);
      await s.answer(undefined, answerOf(0, '408 Request Timeout'));
      await s.exchange(requestOf(b), b);
    });
    assert.deepEqual(s.spans(), [a.spanId, undefined, undefined]);
  });

  test('pipelined: what was written before the second came is of the first, the rest is nobody´s', async () => {
    const [a, b, d] = [newContext(), newContext(), newContext()];
    const whole = answerOf(20);
    const s = await scene(async (s) => {
      await s.ask(requestOf(a));
      await s.answer(a, whole.slice(0, -10));
      await s.ask(requestOf(b));
      await s.reply(a, whole.slice(-10));
      await s.reply(b, answerOf());
      await s.settle(10 + answerOf().length);
      await s.exchange(requestOf(d), d);
    }, SMALL_MSS);
    const [first, ...rest] = s.spans();
    assert.equal(first, a.spanId);
    assert.ok(rest.length > 0 && rest.every((span) => span === undefined));
  });

  test('two requests that came before any answer: neither is told', async () => {
    const [a, b] = [newContext(), newContext()];
    const ways: ((s: Service) => Promise<void>)[] = [
      (s) => s.ask(requestOf(a) + requestOf(b)),
      (s) => s.ask(requestOf(a), requestOf(b)),
      (s) => s.ask(requestOf(a, 30).slice(0, -3), `bbb${requestOf(b)}`),
    ];
    for (const way of ways) {
      const s = await scene(async (s) => {
        await way(s);
        await s.reply(a, answerOf());
        await s.reply(b, answerOf());
        await s.settle(2 * answerOf().length);
      }, SMALL_MSS);
      assert.ok(s.spans().every((span) => span === undefined));
    }
  });

  test('after a chunked body, an upgrade or CONNECT: none', async () => {
    const a = newContext();
    const traceparent = `traceparent: ${valueOf(a)}`;
    const asked = [
      `${head([traceparent, 'Transfer-Encoding: chunked'], 'POST / HTTP/1.1')}0\r\n\r\n`,
      head([traceparent, 'Connection: Upgrade', 'Upgrade: websocket']),
      head([traceparent], 'CONNECT a.test:80 HTTP/1.1'),
      head([traceparent, 'Content-Length: 1', 'Content-Length: 1'], 'POST / HTTP/1.1') + 'b',
    ];
    for (const text of asked) {
      const s = await scene(async (s) => {
        await s.ask(text);
        await s.answer(a, answerOf());
        await s.exchange(requestOf(a), a);
      });
      assert.deepEqual(s.spans(), [undefined, undefined]);
    }
  });

  test('a switch of protocols, and an answer that is no HTTP/1: none', async () => {
    for (const text of [
      'HTTP/1.1 101 Switching Protocols\r\n\r\n',
      'binary answer',
      'HTTP/2 200 OK \r\n\r\n',
    ]) {
      const a = newContext();
      const s = await scene(async (s) => {
        await s.exchange(requestOf(a), undefined, text);
        await s.exchange(requestOf(a), undefined);
      });
      assert.deepEqual(s.spans(), [undefined, undefined]);
    }
  });

  test('a connection whose first bytes are no request is never read', async () => {
    for (const first of ['\x16\x03\x01binary', 'G', 'PING\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']) {
      const a = newContext();
      const s = await scene(async (s) => {
        await s.ask(first, first);
        await s.answer(undefined, 'something');
        await s.exchange(requestOf(a), undefined);
      });
      assert.deepEqual(s.spans(), [undefined, undefined]);
    }
  });

  test('a head beyond the window is given up, one that just fits is not', async () => {
    const a = newContext();
    const fits = head([padding(3_900), `traceparent: ${valueOf(a)}`]);
    const long = head([padding(4_100), `traceparent: ${valueOf(a)}`]);
    const before = stage.watcher.count('PROBE_ARRIVE', 'MISS_HEAD_TOO_LONG');
    const s = await scene(async (s) => {
      await s.exchange(fits, a);
      await s.ask(fits.slice(0, 2_000), fits.slice(2_000));
      await s.answer(a, answerOf());
      await s.ask(long);
      await s.answer(undefined, answerOf());
      await s.exchange(requestOf(a), undefined);
    });
    assert.deepEqual(s.spans(), [a.spanId, a.spanId, undefined, undefined]);
    assert.ok(stage.watcher.count('PROBE_ARRIVE', 'MISS_HEAD_TOO_LONG') > before);
  });
});
