/** What a server's answers over HTTP/2 lose is on the stream that they are of: scenes with known segments, all lost once. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { hex } from '../support/script.ts';
import { newContext, requestOf, valueOf, type Context } from '../support/traceparent.ts';
import { SETTINGS, spansOfAnswers } from './rig/http2-answers.ts';
import { dataOf, frame, headersOf, longHeadersOf, OPENING, ping, PREFACE } from './rig/http2-frames.ts';
import { answerOf, Service, untilServed, withAnswers, type ServiceStage } from './rig/service.ts';
import { openStage } from './rig/stage.ts';

const RESPONSE = '\x88'; // :status 200
const responseOf = (stream: number): string => frame(1, 4, stream, RESPONSE);
/** A header block with `traceparent` as a literal that the table keeps, and one that takes the newest of it. */
const kept = (context: Context): string => `\x82\x40\x0btraceparent\x37${valueOf(context)}`;
const NEWEST = '\x82\xbe';

describe('answers over HTTP/2', () => {
  const cleanup = new Cleanup();
  let stage: ServiceStage;
  before(async () => {
    const options = { http2: true, hook: false, threadContext: false };
    stage = withAnswers(cleanup, await openStage(cleanup, options));
  });
  after(() => cleanup.run());

  const arrived = (reason: Parameters<typeof stage.watcher.count>[1]): number =>
    stage.watcher.count('PROBE_HTTP2_ARRIVE', reason);

  /** Plays a scene; span ids of the answers. `first`: what the server writes before it is asked, none of which is lost. */
  async function scene(
    play: (s: Service) => Promise<void>,
    first = SETTINGS,
  ): Promise<(string | undefined)[]> {
    const played = await untilServed(async () => {
      const s = await Service.open(stage);
      await stage.script.run('write', s.server, hex(first));
      await s.settle(first.length);
      await play(s);
      return s;
    });
    return spansOfAnswers(stage, played);
  }

  test('streams at once: each answer is of its own, and what is of the connection is nobody’s', async () => {
    const [a, b] = [newContext(), newContext()];
    const spans = await scene(async (s) => {
      await s.ask(OPENING + headersOf(1, a) + headersOf(3, b), frame(1, 5, 5, '\x82') + ping());
      await s.answer(b, responseOf(3));
      await s.answer(undefined, frame(4, 1, 0));
      await s.answer(a, responseOf(1));
      await s.answer(a, dataOf(1, 300));
      await s.answer(undefined, responseOf(5));
      await s.answer(b, dataOf(3, 30) + responseOf(5));
      await s.answer(a, `${ping()}${frame(3, 0, 1, '\0\0\0\x08')}`);
    });
    assert.deepEqual(spans, [
      b.spanId,
      undefined,
      ...[a.spanId, a.spanId],
      undefined,
      ...[b.spanId, a.spanId],
    ]);
  });

  test('the server that waits for the preface, and the one that does not', async () => {
    const a = newContext();
    const played = await untilServed(async () => {
      const s = await Service.open(stage);
      await s.ask(OPENING + headersOf(1, a));
      await s.answer(a, SETTINGS + responseOf(1));
      return s;
    });
    assert.deepEqual(spansOfAnswers(stage, played), [a.spanId]);
  });

  test('requests cut at every byte', async () => {
    const [a, b] = [newContext(), newContext()];
    const text = OPENING + headersOf(1, a) + dataOf(1, 30) + ping() + headersOf(3, b) + dataOf(3, 10);
    for (let at = 8; at < text.length; at += 29) {
      const spans = await scene(async (s) => {
        await s.ask(
          text.slice(0, at),
          text.slice(at, at + 1),
          text.slice(at + 1, at + 5),
          text.slice(at + 5),
        );
        await s.answer(b, responseOf(3));
        await s.answer(a, responseOf(1));
      });
      assert.deepEqual(spans, [b.spanId, a.spanId], `cut at ${String(at)}`);
    }
  });

  test('an answer cut at every byte, and pushed ahead of what was promised', async () => {
    const a = newContext();
    const promise = frame(5, 0, 1, `\0\0\0\x02\x82`) + frame(9, 4, 1, '\x84');
    const text = responseOf(1) + promise + dataOf(1, 5);
    for (let at = 1; at < text.length; at += 12) {
      const spans = await scene(async (s) => {
        await s.ask(OPENING + headersOf(1, a));
        await s.answer(a, text.slice(0, at));
        await s.answer(a, text.slice(at));
        await s.answer(undefined, responseOf(2) + dataOf(2, 50));
        await s.answer(a, dataOf(1, 5));
      });
      // Whose a part of a frame's head is shows with the rest of it.
      const first = at < 9 ? undefined : a.spanId;
      assert.deepEqual(spans, [first, a.spanId, undefined, a.spanId], `cut at ${String(at)}`);
    }
  });

  test('a header block in many frames, with padding and priority, longer than a piece', async () => {
    const a = newContext();
    const spans = await scene(async (s) => {
      await s.ask(OPENING + longHeadersOf(1, a, 3_000, 5));
      await s.answer(a, responseOf(1));
    });
    assert.deepEqual(spans, [a.spanId]);
  });

  test('contexts of the table that the connection’s requests share', async () => {
    const a = newContext();
    const spans = await scene(async (s) => {
      await s.ask(OPENING + frame(1, 5, 1, kept(a)));
      await s.ask(frame(1, 5, 3, NEWEST));
      await s.answer(a, responseOf(3));
    });
    assert.deepEqual(spans, [a.spanId]);
  });

  test('requests that come again are read once', async () => {
    const [a, b] = [newContext(), newContext()];
    const spans = await scene(async (s) => {
      stage.dropper.lose(stage.port, { copies: 2 });
      await s.ask(OPENING + frame(1, 5, 1, kept(a)));
      await s.ask(frame(1, 5, 3, kept(b)) + frame(1, 5, 5, NEWEST));
      stage.dropper.rest();
      await s.answer(a, responseOf(1));
      await s.answer(b, responseOf(5));
      await s.answer(b, responseOf(3));
    });
    assert.deepEqual(spans, [a.spanId, b.spanId, b.spanId]);
  });

  test('more frames than a segment may have: the connection is given up and counted', async () => {
    const before = arrived('MISS_HEAD_TOO_LONG');
    const a = newContext();
    const spans = await scene(async (s) => {
      await s.ask(OPENING + headersOf(1, a) + dataOf(1, 1).repeat(600) + headersOf(3, a));
      await s.answer(undefined, responseOf(3));
    });
    assert.deepEqual(spans, [undefined]);
    assert.equal(arrived('MISS_HEAD_TOO_LONG'), before + 1);
  });

  const refused: Readonly<Record<string, string>> = {
    'no SETTINGS first': PREFACE + headersOf(1, newContext()),
    'another preface': `PRI * HTTP/2.0\r\n\r\nSM\r\n\n\n${frame(4, 0, 0)}`,
    'a frame within a block': OPENING + frame(1, 0, 1, '\x82') + dataOf(1, 1),
    'a server’s frame': OPENING + frame(5, 4, 1, '\0\0\0\x02'),
    'a server’s stream': OPENING + frame(0, 0, 2, 'x'),
  };
  for (const [name, bytes] of Object.entries(refused))
    test(`${name}: the connection is given up and counted`, async () => {
      const before = arrived('MISS_FRAMING');
      const spans = await scene(async (s) => {
        await s.ask(bytes);
        await s.ask(headersOf(5, newContext()));
        await s.answer(undefined, responseOf(5));
      });
      assert.deepEqual(spans, [undefined]);
      assert.equal(arrived('MISS_FRAMING'), before + 1, 'once a connection');
    });

  test('a server that breaks a rule, or says something else, is followed no more', async () => {
    const a = newContext();
    for (const broken of ['HTTP/1.1 400 Bad Request\r\n\r\n', frame(0, 0, 0, 'x'), frame(2, 0, 1, '1234')]) {
      const spans = await scene(async (s) => {
        await s.ask(OPENING + headersOf(1, a));
        await s.answer(undefined, broken);
        await s.answer(undefined, responseOf(1));
      });
      assert.deepEqual(spans, [undefined, undefined]);
    }
  });

  test('HTTP/1 on both sides, or on one: nothing is of a stream', async () => {
    const a = newContext();
    const ways: readonly (readonly [asked: string, first: string])[] = [
      [OPENING + headersOf(1, a), answerOf(0, '101 Switching Protocols')],
      ['something', SETTINGS],
    ];
    for (const [asked, first] of ways) {
      const spans = await scene(async (s) => {
        await s.ask(asked);
        await s.ask(asked === 'something' ? OPENING + headersOf(1, a) : requestOf(a));
        await s.answer(undefined, SETTINGS + responseOf(1));
      }, first);
      assert.deepEqual(spans, [undefined]);
    }
  });
});
