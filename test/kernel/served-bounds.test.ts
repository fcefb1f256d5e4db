/** What wins over the request that arrived, and how much is kept of requests that never come whole. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { announce } from '../support/announcement.ts';
import { Cleanup } from '../support/cleanup.ts';
import { answerOf, Service, untilServed, withAnswers, type ServiceStage } from './rig/service.ts';
import { openStage } from './rig/stage.ts';
import { newContext, requestOf, type Context } from '../support/traceparent.ts';

/** Some more than there are windows for heads that came in part. */
const HALF_HEADS = 311;

describe('served requests, bounds', () => {
  const cleanup = new Cleanup();
  let stage: ServiceStage;

  before(async () => {
    stage = withAnswers(cleanup, await openStage(cleanup));
  });
  after(() => cleanup.run());

  test('what the server announces wins, whichever came first', async () => {
    const [a, b] = [newContext(), newContext()];
    const said = [newContext(), newContext()] as const;
    const s = await untilServed(async () => {
      const s = await Service.open(stage);
      await s.ask(requestOf(a));
      await announce(stage.script, s.server, said[0]);
      await s.answer(said[0], answerOf());
      await s.ask(requestOf(b));
      await s.answer(said[0], answerOf().slice(0, 40));
      await announce(stage.script, s.server, said[1]);
      await s.answer(said[1], answerOf().slice(40));
      return s;
    });
    assert.deepEqual(s.spans(), [said[0].spanId, said[0].spanId, said[1].spanId]);
    for (const { context } of s.retransmits()) assert.equal(context?.method, 'sdk_hook');
  });

  test('half heads make room for others, which is counted, and no link is a wrong one', async () => {
    const open: [Service, string, Context][] = [];
    const missed = (): number => stage.watcher.count('PROBE_ARRIVE', 'MISS_HEAD_TOO_LONG');
    const before = missed();
    for (let i = 0; i < HALF_HEADS; i += 1) {
      const context = newContext();
      const s = await Service.open(stage);
      await s.send(requestOf(context).slice(0, 70));
      open.push([s, requestOf(context), context]);
    }
    const complete = async ([s, text, context]: (typeof open)[number]): Promise<number> => {
      await s.send(text.slice(70));
      await s.take(text.length);
      await s.answer(context, answerOf());
      s.check();
      return s.spans().filter((span) => span !== undefined).length;
    };
    let found = 0;
    for (const newest of open.slice(-3)) found += await complete(newest);
    // Which of them made room is the kernel's choice, but not all can be there.
    for (const older of open.slice(0, -3)) {
      await complete(older);
      if (missed() > before) break;
    }
    for (const [s] of open) await s.abandon();
    assert.ok(missed() > before, 'nothing was missed');
    assert.ok(found > 0, 'nothing was found');
  });
});
