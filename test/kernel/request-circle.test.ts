/**
 * One connection that sends more than 4 GiB, so that the sequence numbers of a request come again: what is lost
 * there belongs to nobody, and what looks like a request there is none.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { Conversation, plain, untilSeen, type Stage } from './rig/conversation.ts';
import { openStage } from './rig/stage.ts';
import { newContext, requestOf } from '../support/traceparent.ts';
import { WRITE_VARIANTS } from './rig/write-variants.ts';

const CIRCLE = 2 ** 32;
const BODY = 30_011;
/** Before the place of the request's last byte, a circle later. */
const SHORT = 10_007;

for (const { name, refused, skip } of WRITE_VARIANTS)
  describe(`sequence numbers that come again, writes by ${name}`, { skip }, () => {
    const cleanup = new Cleanup();
    let stage: Stage;

    before(async () => {
      stage = await openStage(cleanup, {}, refused);
    });
    after(() => cleanup.run());

    test('4 GiB after a request its bytes, and its end, are forgotten', async () => {
      const [a, b] = [newContext(), newContext()];
      const request = requestOf(a, BODY);
      let start = 0;
      const c = await untilSeen(async () => {
        stage.dropper.rest();
        const c = await Conversation.open(stage, { isLosing: true });
        start = requestOf(a).length;
        await c.write(request, a);
        await c.settle();
        const { script } = stage;
        assert.equal(await script.run('stream', c.client, c.server, CIRCLE - SHORT), CIRCLE - SHORT);
        c.noteStreamed(CIRCLE - SHORT);
        c.lose();
        await c.write('x'.repeat(SHORT));
        await c.settle();
        await c.write(requestOf(b));
        await c.settle();
        return c;
      });
      const places = c.retransmits().map(({ at }) => at - CIRCLE);
      const end = start + request.length;
      assert.ok(places.includes(end - SHORT), 'nothing was sent again at the numbers of the request');
      assert.ok(places.includes(end), 'nor at those of its end');
      const contexts = c.retransmits().map(({ record }) => plain(record.context));
      assert.deepEqual(new Set(contexts), new Set([undefined]));
    });
  });
