/** Requests where they arrive and their answers, until these are acknowledged: every figure is the truth. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ExchangeRecord } from '../../receiver/model/record.ts';
import { Cleanup } from '../support/cleanup.ts';
import { head, newContext, requestOf, valueOf, type Context } from '../support/traceparent.ts';
import { hex } from '../support/script.ts';
import { ALL_SIGNALS } from '../support/watcher.ts';
import { Asker, assertWithin, kinds, type Span, type Turn } from './rig/asker.ts';
import { plain, type Stage } from './rig/conversation.ts';
import { openStage } from './rig/stage.ts';
import { answerOf } from './rig/service.ts';

/** `AWAITED_BITS` of bpf/lib/awaited.bpf.h. */
const AWAITED_PLACES = 1 << 14;

/** All that the server's end says of a request and its answer, which is acknowledged. */
function assertServed(record: ExchangeRecord | undefined, context: Context, turn: Turn): void {
  assert.ok(record);
  assert.deepEqual(plain(record.context), context);
  assert.deepEqual([record.role, record.context?.method], ['server', 'http1_window']);
  assertWithin(record.context?.requestStartNs ?? 0n, turn.asked, 'the arrival');
  assertWithin(record.firstNs, turn.answered, 'the first byte');
  assertWithin(record.lastNs, turn.acked, 'the acknowledgement');
  assert.equal(Number(record.bytesReceived), turn.requestBytes);
  assert.equal(Number(record.bytesSent), turn.answerBytes);
}

describe('exchanges of servers', () => {
  const cleanup = new Cleanup();
  let stage: Stage;

  before(async () => {
    stage = await openStage(cleanup, { emit: { ...ALL_SIGNALS.emit, exchange: 'on' } });
  });
  after(() => cleanup.run());

  test('ordinary ones, of sampled requests alone, to the acknowledgement of the answer', async () => {
    const [a, b, c] = [newContext(), newContext(0), newContext()];
    const asker = await Asker.open(stage);
    await stage.script.run('delay-acks', asker.client);
    const text = requestOf(a, 40);
    const first = await asker.turn(
      [text.slice(0, 20), text.slice(20, -9), text.slice(-9)],
      [answerOf(), 'rest'],
    );
    for (const other of [requestOf(b), head([])]) await asker.turn([other], [answerOf()]);
    const last = await asker.turn([requestOf(c)], ['HTTP/1.1 103 Early Hints\r\n\r\n', answerOf()]);
    await stage.script.run('sleep', 0, 1);
    await asker.close();
    const records = await asker.ended('server');
    assert.deepEqual(kinds(records), [
      ['ended', a.spanId],
      ['closed', c.spanId],
    ]);
    assert.ok(records.every(({ isEventful, error }) => !isEventful && error === undefined));
    assertServed(records[0], a, first);
    assertServed(records[1], c, last);
  });

  test('answers that were lost, told when they are acknowledged and at their end, and one between that was not', async () => {
    const [a, b, c, d] = [newContext(), newContext(), newContext(), newContext()];
    const asker = await Asker.open(stage);
    const first = await asker.turn([requestOf(a, 90)], [answerOf(9_000), 'y'.repeat(40)], { isLost: true });
    assert.deepEqual(kinds(asker.exchanges('server')), [['answered', a.spanId]]);
    const second = await asker.turn([requestOf(b)], [answerOf()]);
    const third = await asker.turn([requestOf(c)], [answerOf()], { isLost: true });
    // The end of the next request is not followed: its beginning is the end of this one all the same.
    await asker.ask([head([`traceparent: ${valueOf(d)}`], 'CONNECT a.test:443 HTTP/1.1')]);
    await asker.close();
    const records = await asker.ended('server');
    assert.deepEqual(kinds(records), [
      ['answered', a.spanId],
      ['ended', a.spanId],
      ['ended', b.spanId],
      ['answered', c.spanId],
      ['ended', c.spanId],
    ]);
    const ended = records.filter(({ what }) => what === 'ended');
    const contexts = [a, b, c];
    for (const [nth, turn] of [first, second, third].entries())
      assertServed(ended[nth], contexts[nth] ?? d, turn);
    for (const { isEventful, segmentsRetransmitted, context } of records)
      assert.deepEqual([isEventful, segmentsRetransmitted > 0], Array(2).fill(context?.spanId !== b.spanId));
    const again = asker.retransmits('server');
    assert.deepEqual(new Set(again.map(({ context }) => context?.spanId)), new Set([a.spanId, c.spanId]));
    for (const { timeNs, context, isInExchange } of again) {
      const { lastNs = 0n } = ended.find((record) => record.context?.spanId === context?.spanId) ?? {};
      assert.ok(isInExchange && lastNs > timeNs, 'acknowledged before it was sent again');
    }
  });

  test('one end writes no more, and its FIN is no byte of either', async () => {
    for (const closes of ['server', 'client'] as const) {
      const a = newContext();
      const asker = await Asker.open(stage);
      const text = requestOf(a, 50);
      const whole = closes === 'server' ? text : text.slice(0, -10);
      const turn = await asker.turn([whole], [answerOf()]);
      await stage.script.run('shutdown', asker[closes]);
      await asker.close();
      assertServed((await asker.ended('server')).at(-1), a, turn);
    }
    const a = newContext();
    const asker = await Asker.open(stage);
    const asked = await asker.ask([requestOf(a)]);
    await stage.script.run('shutdown', asker.client);
    stage.dropper.lose(asker.localPort);
    const [answered = asked] = await asker.answer(answerOf());
    const acked = await asker.acked(answered[0]);
    await asker.close();
    const { length } = requestOf(a);
    const turn = { asked, answered, acked, requestBytes: length, answerBytes: answerOf().length };
    assertServed((await asker.ended('server')).at(-1), a, turn);
  });

  for (const isLast of [false, true])
    test(`the acknowledgement of the last byte comes with that of the ${isLast ? 'last' : 'first'} FIN`, async () => {
      const a = newContext();
      const asker = await Asker.open(stage);
      const asked = await asker.ask([requestOf(a)]);
      if (isLast) await stage.script.run('shutdown', asker.client);
      stage.dropper.lose(asker.localPort);
      const answered = await asker.write(answerOf());
      await stage.script.run('close', asker.server);
      await stage.script.run('read', asker.client, answerOf().length);
      await stage.script.run('close', asker.client);
      const [last] = (await asker.ended('server')).slice(-1);
      const acked: Span = [answered[1], process.hrtime.bigint()];
      const { length } = requestOf(a);
      assertServed(last, a, { asked, answered, acked, requestBytes: length, answerBytes: answerOf().length });
    });

  test('a client that resets before the answer, and with the answer on the way', async () => {
    for (const isAnswered of [false, true]) {
      const a = newContext();
      const asker = await Asker.open(stage);
      await asker.ask([requestOf(a)]);
      stage.dropper.lose(asker.localPort, { copies: 99 });
      const answered = isAnswered && (await asker.write(answerOf()));
      await stage.script.run('reset', asker.client);
      const records = await asker.ended('server');
      stage.dropper.rest();
      assert.deepEqual(kinds(records), [['closed', a.spanId]]);
      const { error, firstNs = -1n, lastNs } = records[0] ?? {};
      assert.deepEqual([error, lastNs], [isAnswered ? undefined : 'connection_reset', 0n]);
      if (answered === false) assert.equal(firstNs, 0n);
      else assertWithin(firstNs, answered, 'the first byte');
    }
  });

  test('a request that comes before the answer to another: no times, and nothing for it', async () => {
    const [a, b] = [newContext(), newContext()];
    const asker = await Asker.open(stage);
    await asker.ask([requestOf(a)]);
    await asker.ask([requestOf(b)]);
    await asker.answer(answerOf(), answerOf());
    await asker.close();
    const records = await asker.ended('server');
    assert.deepEqual(kinds(records), [['closed', a.spanId]]);
    for (const { firstNs, lastNs, bytesSent } of records)
      assert.deepEqual([firstNs, lastNs, bytesSent], [0n, 0n, 0n]);
  });

  test('the body ends in the segment in which the next request begins: all of it came', async () => {
    const [a, b] = [newContext(), newContext()];
    const asker = await Asker.open(stage);
    const text = requestOf(a, 50);
    await asker.ask([text.slice(0, -6)]);
    await asker.answer(answerOf());
    await asker.ask([text.slice(-6) + requestOf(b)]);
    await asker.answer(answerOf());
    await asker.close();
    const [first] = await asker.ended('server');
    assert.deepEqual([first?.what, first?.context?.spanId], ['ended', a.spanId]);
    assert.equal(Number(first?.bytesReceived), text.length);
  });

  test('an answer that is acknowledged in part alone has no last byte', async () => {
    const a = newContext();
    const asker = await Asker.open(stage);
    await asker.ask([requestOf(a)]);
    const answer = answerOf(9_000);
    const [answered] = await asker.answer(answer.slice(0, 500));
    assert.ok(answered);
    await asker.acked(answered[0]);
    stage.dropper.lose(asker.localPort, { copies: 99 });
    await asker.write(answer.slice(500));
    await stage.script.run('reset', asker.client);
    const [record] = await asker.ended('server');
    stage.dropper.rest();
    assertWithin(record?.firstNs ?? 0n, answered, 'the first byte');
    assert.equal(record?.lastNs, 0n);
  });

  test('one whose answer was lost, and that is given up then, is told at its end alone', async () => {
    const [a, b] = [newContext(), newContext()];
    const asker = await Asker.open(stage);
    await asker.ask([requestOf(a)]);
    stage.dropper.lose(asker.localPort, { copies: 1 });
    const answered = await asker.write(answerOf());
    await stage.script.run('write', asker.client, hex(requestOf(b)));
    await stage.script.run('read', asker.server, requestOf(b).length);
    await asker.acked(answered[0]);
    assert.ok(asker.retransmits('server').length > 0);
    await asker.close();
    const records = await asker.ended('server');
    assert.deepEqual(kinds(records), [['closed', a.spanId]]);
    const { firstNs, lastNs, bytesSent } = records[0] ?? {};
    assert.deepEqual([firstNs, lastNs, bytesSent], [0n, 0n, 0n]);
  });

  test('no acknowledgement is waited for any more once all is closed, whether it came or not', async () => {
    const waiting = (): number => {
      const places = new Uint32Array(AWAITED_PLACES);
      stage.watcher.source.readVariable('awaited', new Uint8Array(places.buffer));
      return places.reduce((sum, count) => sum + count, 0);
    };
    assert.equal(waiting(), 0, 'after the tests before');
    const [next, last] = [await Asker.open(stage), await Asker.open(stage)];
    for (const asker of [next, last]) await asker.turn([requestOf(newContext())], [answerOf()]);
    assert.equal(waiting(), 2);
    await next.turn([head([])], [answerOf()]);
    assert.equal(waiting(), 1, 'the next request has come');
    for (const asker of [next, last]) {
      await asker.close();
      await asker.ended('server');
    }
    assert.equal(waiting(), 0);
  });
});
