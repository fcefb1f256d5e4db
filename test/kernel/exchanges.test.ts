/** Requests and their responses, at both ends: which are told, and that every figure is the truth. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { head, newContext, padding, requestOf, valueOf, type Context } from '../support/traceparent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { Asker, assertWithin, kinds } from './rig/asker.ts';
import { plain, type Stage } from './rig/conversation.ts';
import { openStage } from './rig/stage.ts';
import { answerOf } from './rig/service.ts';

const SLOW_MS = 300;

for (const mode of ['correlated', 'on'] as const) {
  describe(`exchanges, ${mode === 'on' ? 'always' : 'eventful'}`, () => {
    const cleanup = new Cleanup();
    let stage: Stage;

    before(async () => {
      const { emit, thresholds } = await import('../support/watcher.ts').then(
        ({ ALL_SIGNALS }) => ALL_SIGNALS,
      );
      stage = await openStage(cleanup, {
        emit: { ...emit, exchange: mode },
        thresholds: { ...thresholds, exchangeUs: SLOW_MS * 1000 },
      });
    });
    after(() => cleanup.run());

    /** Those that are told: all, or those to which something happened. */
    const told = (...contexts: readonly Context[]): string[] =>
      mode === 'on' ? contexts.map(({ spanId }) => spanId) : [];

    test('ordinary ones, of sampled requests alone', async () => {
      const [a, b, c] = [newContext(), newContext(0), newContext()];
      const asker = await Asker.open(stage);
      for (const text of [requestOf(a), requestOf(b), head([]), requestOf(c)]) {
        await asker.ask([text]);
        await asker.answer(answerOf());
      }
      await asker.close();
      const records = await asker.ended();
      assert.deepEqual(
        records.map(({ context }) => context?.spanId),
        told(a, c),
      );
      assert.ok(records.every(({ isEventful }) => !isEventful));
      for (const end of [records, await asker.ended('server')])
        assert.deepEqual(
          end.map(({ what, context }) => [what, context?.spanId]),
          mode === 'on'
            ? [
                ['ended', a.spanId],
                ['closed', c.spanId],
              ]
            : [],
        );
    });

    test('a lost request: times, bytes and what it was sent again for', async () => {
      const [a, b] = [newContext(), newContext()];
      const body = 'x'.repeat(5_000);
      const post = head(
        [padding(300), `traceparent: ${valueOf(a)}`, `Content-Length: ${body.length}`],
        'POST / HTTP/1.1',
      );
      const asker = await Asker.open(stage);
      const written = await asker.ask([post, body], { isLost: true });
      const [first, , last] = await asker.answer(answerOf(9_000), 'y'.repeat(40), 'z'.repeat(3_000));
      await asker.ask([requestOf(b)]);
      await asker.answer(answerOf());
      const records = asker.exchanges();
      assert.deepEqual(kinds(records), [
        ['answered', a.spanId],
        ['ended', a.spanId],
      ]);
      const [answered, ended] = records;
      assert.ok(answered && ended && first && last);
      assert.deepEqual(plain(ended.context), a);
      assertWithin(ended.context?.requestStartNs ?? 0n, written, 'the write');
      assertWithin(answered.firstNs, first, 'the first byte');
      assert.equal(ended.firstNs, answered.firstNs);
      assertWithin(ended.lastNs, last, 'the last byte');
      assert.equal(Number(ended.bytesSent), post.length + body.length);
      assert.equal(Number(ended.bytesReceived), answerOf(9_000).length + 3_040);
      const again = asker.retransmits();
      assert.ok(ended.isEventful && answered.isEventful && ended.segmentsRetransmitted > 0);
      assert.ok(again.length > 0);
      assert.ok(again.every(({ isInExchange, context }) => isInExchange && context?.spanId === a.spanId));
      await asker.close();
      assert.deepEqual(kinds((await asker.ended()).slice(2)), mode === 'on' ? [['closed', b.spanId]] : []);
    });

    test('a slow first byte', async () => {
      const [a, b] = [newContext(), newContext()];
      const asker = await Asker.open(stage);
      await asker.ask([requestOf(a)]);
      await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
      const [first] = await asker.answer(answerOf());
      await asker.ask([requestOf(b)]);
      const records = asker.exchanges();
      for (const told of [records, asker.exchanges('server')]) {
        assert.deepEqual(kinds(told), [
          ['answered', a.spanId],
          ['ended', a.spanId],
        ]);
        assert.ok(told.every(({ isEventful }) => isEventful));
      }
      assertWithin(records[0]?.firstNs ?? 0n, first ?? [0n, 0n], 'the first byte');
      assert.equal(records[1]?.segmentsRetransmitted, 0);
      await asker.close();
    });

    test('a connection that is reset before and after the response', async () => {
      for (const isAnswered of [false, true]) {
        const a = newContext();
        const asker = await Asker.open(stage);
        await asker.ask([requestOf(a)]);
        if (isAnswered) await asker.answer(answerOf());
        await stage.script.run('reset', asker.server);
        const records = await asker.ended();
        assert.deepEqual(
          kinds(records),
          isAnswered ? told(a).map((id) => ['closed', id]) : [['closed', a.spanId]],
        );
        assert.equal(records[0]?.error, isAnswered ? undefined : 'connection_reset');
      }
    });

    test('pipelined requests: what is lost is told, and no response for another', async () => {
      const [a, b, c] = [newContext(), newContext(), newContext()];
      const asker = await Asker.open(stage);
      await asker.ask([requestOf(a) + requestOf(b)], { isLost: true });
      await asker.answer(answerOf(), answerOf());
      await asker.ask([requestOf(c)], { isLost: true });
      await asker.answer(answerOf());
      await asker.close();
      const records = await asker.ended();
      assert.deepEqual(kinds(records), [
        ['ended', b.spanId],
        ['closed', c.spanId],
      ]);
      for (const { firstNs, lastNs, bytesReceived } of records)
        assert.deepEqual([firstNs, lastNs, bytesReceived], [0n, 0n, 0n]);
      assert.equal(Number(records[0]?.bytesSent), requestOf(b).length);
    });

    test('a request that nobody answers, and a client that writes no more', async () => {
      const a = newContext();
      const asker = await Asker.open(stage);
      await asker.ask([requestOf(a)], { isLost: true });
      await stage.script.run('shutdown', asker.client);
      const [first] = await asker.answer(answerOf());
      await asker.close();
      const [answered, closed] = await asker.ended();
      assertWithin(answered?.firstNs ?? 0n, first ?? [0n, 0n], 'the first byte');
      assert.equal(Number(closed?.bytesSent), requestOf(a).length);
      assert.equal(Number(closed?.bytesReceived), answerOf().length);
    });

    test('a request whose body is written in chunks is one, to its last byte', async () => {
      const [a, b] = [newContext(), newContext()];
      const lines = [`traceparent: ${valueOf(a)}`, 'Transfer-Encoding: chunked'];
      const pieces = [head(lines, 'POST / HTTP/1.1'), '5\r\nhello\r\n', `9\r\nGET / HTT\r\n`, '0\r\n\r\n'];
      const asker = await Asker.open(stage);
      await asker.ask(pieces, { isLost: true });
      const [first] = await asker.answer(answerOf());
      await asker.ask([requestOf(b)]);
      const ended = asker.exchanges().filter(({ what }) => what === 'ended');
      assert.deepEqual(kinds(ended), [['ended', a.spanId]]);
      assertWithin(ended[0]?.firstNs ?? 0n, first ?? [0n, 0n], 'the first byte');
      assert.equal(Number(ended[0]?.bytesSent), pieces.join('').length);
      assert.equal(Number(ended[0]?.bytesReceived), answerOf().length);
      await asker.close();
    });

    test('a request whose end is not followed has none: what it loses is on its own span', async () => {
      const a = newContext();
      const asker = await Asker.open(stage);
      await asker.ask([head([`traceparent: ${valueOf(a)}`], 'CONNECT a.test:443 HTTP/1.1')], {
        isLost: true,
      });
      await asker.answer(answerOf());
      const [again] = asker.retransmits();
      assert.deepEqual([again?.context?.spanId, again?.isInExchange], [a.spanId, undefined]);
      await asker.close();
      assert.deepEqual(await asker.ended(), []);
    });
  });
}
