/** Requests over HTTP/2 of which segments are lost on their way to the server, so that what is behind them comes first. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { hex } from '../support/script.ts';
import { newContext, valueOf, type Context } from '../support/traceparent.ts';
import { SETTINGS, spansOfAnswers } from './rig/http2-answers.ts';
import { dataOf, frame, headersOf, OPENING } from './rig/http2-frames.ts';
import { Service, untilServed, withAnswers, type ServiceStage } from './rig/service.ts';
import { openStage } from './rig/stage.ts';

const HEADERS_BYTES = 40;
/** As AHEAD_BYTES and AHEAD_PLACES of bpf/http2_ahead.bpf.h. */
const [KEPT_BYTES, KEPT_CONNECTIONS] = [16_384, 128];
/** Within it all segments of a scene are sent once. */
const PATIENCE_S = process.env['WIRESPAN_TEST_EMULATED'] === 'yes' ? 12 : 2;

const responseOf = (stream: number): string => frame(1, 4, stream, '\x88');
/** A request whose header block the table keeps, of so many bytes. */
function requestOf(stream: number, context: Context, length: number): string {
  const headers = frame(1, 4, stream, `\x82\x40\x0btraceparent\x37${valueOf(context)}`);
  return headers + dataOf(stream, length - headers.length - 9);
}
/** `traceparent` of the table, by how many were added since. */
const repeatOf = (stream: number, since: number): string =>
  frame(1, 5, stream, `\x82${String.fromCharCode(0xbe + since)}`);

describe('requests over HTTP/2 with gaps', () => {
  const cleanup = new Cleanup();
  let stage: ServiceStage;
  before(async () => {
    const options = { http2: true, hook: false, threadContext: false };
    stage = withAnswers(cleanup, await openStage(cleanup, options));
  });
  after(() => cleanup.run());

  const overtaken = (): number => stage.watcher.count('PROBE_HTTP2_ARRIVE', 'MISS_OVERTAKEN');

  /** From now on the first copy of a segment with so many bytes of payload never arrives, before any program sees it. */
  function lose(...lengths: readonly number[]): void {
    const rules = lengths.map(
      (length) =>
        `tcp dport ${String(stage.port)} meta length ${String(length + HEADERS_BYTES)} numgen inc mod 2 == 0 drop`,
    );
    stage.room.filter(...rules);
  }

  /** From now on segments with so many bytes arrive, and no other: what is sent again is often longer. */
  function letThrough(...lengths: readonly number[]): void {
    const all = lengths.map((length) => length + HEADERS_BYTES).join(', ');
    stage.room.filter(`tcp dport ${String(stage.port)} meta length > 60 meta length != { ${all} } drop`);
  }

  /** Nothing is sent again before that many seconds: so slow the machine may be. The kernel's own least is 0.2. */
  function sendAgainAfter(seconds: number): void {
    const route = 'local 127.0.0.1 dev lo proto kernel scope host src 127.0.0.1'.split(' ');
    stage.room.exec(
      'ip',
      'route',
      'change',
      'table',
      'local',
      ...route,
      'rto_min',
      `${String(seconds * 1e3)}ms`,
    );
  }

  async function scene(play: (s: Service) => Promise<void>): Promise<(string | undefined)[]> {
    const played = await untilServed(async () => {
      const s = await Service.open(stage);
      await stage.script.run('write', s.server, hex(SETTINGS));
      await s.settle(SETTINGS.length);
      await play(s);
      stage.room.filter();
      return s;
    });
    return spansOfAnswers(stage, played);
  }

  test('what came ahead of a request is read behind it', async () => {
    const [a, b, d] = [newContext(), newContext(), newContext()];
    const before = overtaken();
    const spans = await scene(async (s) => {
      await s.ask(OPENING);
      lose(401);
      await s.ask(requestOf(1, a, 401), requestOf(3, b, 300), repeatOf(5, 1), requestOf(7, d, 300));
      await s.answer(a, responseOf(5));
      await s.answer(d, responseOf(7));
      await s.answer(b, responseOf(3));
      await s.answer(a, responseOf(1));
    });
    assert.deepEqual(spans, [a.spanId, d.spanId, b.spanId, a.spanId]);
    assert.equal(overtaken(), before);
  });

  test('the first bytes of the connection too', async () => {
    const [a, b] = [newContext(), newContext()];
    const opening = OPENING + requestOf(1, a, 300);
    const spans = await scene(async (s) => {
      lose(opening.length);
      await s.ask(opening, requestOf(3, b, 200));
      await s.answer(b, responseOf(3));
      await s.answer(a, responseOf(1));
    });
    assert.deepEqual(spans, [b.spanId, a.spanId]);
  });

  test('several gaps at once, and a frame’s head on both sides of one', async () => {
    const [a, b, d] = [newContext(), newContext(), newContext()];
    const text = requestOf(1, a, 400) + requestOf(3, b, 400) + requestOf(5, d, 400);
    const cuts = [0, 201, 403, 604, 806, 1_007, 1_200];
    const pieces = cuts.slice(1).map((to, i) => text.slice(cuts[i], to));
    const spans = await scene(async (s) => {
      await s.ask(OPENING);
      lose(201, 202);
      await s.ask(...pieces, repeatOf(7, 2));
      await s.answer(d, responseOf(5));
      await s.answer(a, responseOf(7));
      await s.answer(b, responseOf(3));
    });
    assert.deepEqual(spans, [d.spanId, a.spanId, b.spanId]);
  });

  test('a gap within the payload of DATA holds nothing up', async () => {
    const [a, b] = [newContext(), newContext()];
    const before = overtaken();
    const body = dataOf(1, 3_000);
    const spans = await scene(async (s) => {
      await s.ask(OPENING + headersOf(1, a));
      lose(1_001);
      await s.ask(body.slice(0, 500), body.slice(500, 1_501), body.slice(1_501) + requestOf(3, b, 200));
      await s.answer(b, responseOf(3));
    });
    assert.deepEqual(spans, [b.spanId]);
    assert.equal(overtaken(), before);
  });

  test('more gaps, or more bytes ahead, than are kept: the connection is given up and counted', async () => {
    const a = newContext();
    const short = Array.from({ length: 10 }, (_, i) =>
      requestOf(2 * i + 1, newContext(), i % 2 === 0 ? 301 : 200),
    );
    const long = [requestOf(1, a, 301), ...[1, 2, 3].map(() => dataOf(1, 6_000)), requestOf(3, a, 200)];
    // Nothing of what is lost is sent again before a timeout, so that the rest comes first.
    sendAgainAfter(PATIENCE_S);
    stage.room.sysctl('net/ipv4/tcp_sack', '0');
    stage.room.sysctl('net/ipv4/tcp_reordering', '127');
    for (const pieces of [short, long]) {
      const before = overtaken();
      const spans = await scene(async (s) => {
        await s.ask(OPENING);
        letThrough(200, 6_009);
        for (const piece of pieces) await s.send(piece);
        stage.room.filter();
        await s.take(pieces.join('').length);
        await s.ask(requestOf(21, a, 200));
        await s.answer(undefined, responseOf(21));
      });
      assert.deepEqual(spans, [undefined]);
      assert.equal(overtaken(), before + 1);
    }
    stage.room.sysctl('net/ipv4/tcp_sack', '1');
    stage.room.sysctl('net/ipv4/tcp_reordering', '3');
    sendAgainAfter(0.2);
    assert.ok(long.join('').length > KEPT_BYTES);
  });

  test('another protocol whose first bytes are overtaken is left alone, and not counted', async () => {
    const framing = stage.watcher.count('PROBE_HTTP2_ARRIVE', 'MISS_FRAMING');
    const spans = await scene(async (s) => {
      lose(301);
      await s.ask('x'.repeat(301), OPENING + headersOf(1, newContext()));
      await s.answer(undefined, responseOf(1));
    });
    assert.deepEqual(spans, [undefined]);
    assert.equal(stage.watcher.count('PROBE_HTTP2_ARRIVE', 'MISS_FRAMING'), framing);
  });

  test('of more connections than have a place the newest are read, and none has what is another’s', async (t) => {
    const count = KEPT_CONNECTIONS + 40;
    sendAgainAfter(PATIENCE_S);
    const before = overtaken();
    const open: { readonly s: Service; readonly context: Context }[] = [];
    for (let i = 0; i < count; i += 1) {
      const s = await Service.open(stage);
      await stage.script.run('write', s.server, hex(SETTINGS));
      await s.ask(OPENING);
      open.push({ s, context: newContext() });
    }
    letThrough(200);
    for (const { s } of open) await s.send(requestOf(1, newContext(), 301));
    for (const { s, context } of open) await s.send(requestOf(3, context, 200));
    stage.room.filter();
    for (const { s } of open) await s.take(501);
    for (const { s, context } of open) await s.reply(context, responseOf(3));
    for (const { s } of open) await s.settle(SETTINGS.length + responseOf(3).length);
    const spans = open.flatMap(({ s, context }) => {
      const [span] = spansOfAnswers(stage, s);
      assert.ok(span === undefined || span === context.spanId);
      return span === undefined ? [] : [span];
    });
    const missed = overtaken() - before;
    t.diagnostic(`${String(spans.length)} of ${String(count)} read, ${String(missed)} given up`);
    assert.ok(missed >= 40 && spans.length > KEPT_CONNECTIONS / 2, String(missed));
    for (const { s } of open) await s.abandon();
  });
});
