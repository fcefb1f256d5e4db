/** Requests at the edges of a connection: refused writes, the FIN, the same port or socket again. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { Conversation, plain, untilSeen, type Stage } from './rig/conversation.ts';
import { openStage } from './rig/stage.ts';
import { hex, ScriptError } from '../support/script.ts';
import { head, newContext, padding, requestOf, valueOf, type Context } from '../support/traceparent.ts';
import { WRITE_VARIANTS } from './rig/write-variants.ts';

const EAGAIN = 11;
const MOST_REQUESTS = 10_007;

for (const { name, refused, skip } of WRITE_VARIANTS)
  describe(`edges of connections, writes by ${name}`, { skip }, () => {
    const cleanup = new Cleanup();
    let stage: Stage;

    before(async () => {
      stage = await openStage(cleanup, {}, refused);
    });
    after(() => cleanup.run());

    const last = (c: Conversation): Context | undefined => plain(c.retransmits().at(-1)?.record.context);

    test('a write that was refused and given up owns nothing', async () => {
      const b = newContext();
      const narrow = { ...stage, ...(await stage.script.listen()) };
      await stage.script.run('buffers', narrow.listener, 4_608, 2_304);
      const c = await untilSeen(async () => {
        const c = await Conversation.open(narrow);
        await stage.script.run('buffers', c.client, 4_608, 2_304);
        await fill(c);
        await c.settle();
        c.lose();
        await c.write(requestOf(b), b);
        await c.settle();
        return c;
      });
      assert.deepEqual(last(c), b);
    });

    test('a FIN alone belongs to nobody, even where a body was announced', async () => {
      const a = newContext();
      const c = await untilSeen(async () => {
        const c = await Conversation.open(stage);
        const announced = head([`traceparent: ${valueOf(a)}`, 'Content-Length: 100'], 'POST / HTTP/1.1');
        await c.write(`${announced}half of it`, a);
        await c.settle();
        stage.room.filter(`tcp dport ${stage.port} tcp flags & fin == fin numgen inc mod 2 0 drop`);
        await stage.script.run('shutdown', c.client);
        await c.settle();
        stage.room.filter();
        return c;
      });
      assert.equal(last(c), undefined);
    });

    test('a connection that was open before its first request', async () => {
      const a = newContext();
      const c = await untilSeen(async () => {
        const c = await Conversation.openSilent(stage);
        c.lose();
        await c.write(requestOf(a), a);
        await c.settle();
        return c;
      });
      assert.deepEqual(c.lostContexts(), [a]);
      const kinds = stage.watcher
        .connections(stage.room.inode, c.localPort, stage.port)
        .map(({ kind }) => kind);
      assert.deepEqual(kinds, ['open', 'close'], 'the request did not open it: no handshake record');
    });

    test('the same port again, at once: nothing is inherited', async () => {
      const c = await untilSeen(async () => {
        const first = await Conversation.open(stage);
        await first.write(
          head([`traceparent: ${valueOf(newContext())}`, 'Content-Length: 2000000000'], 'PUT / HTTP/1.1'),
        );
        await stage.script.run('reset', first.client);
        await stage.script.run('close', first.server);
        const c = await Conversation.openSilent(stage, { port: first.localPort });
        c.lose();
        await c.write('no request');
        await c.settle();
        return c;
      });
      assert.deepEqual(c.lostContexts(), [undefined]);
    });

    test('the same socket again, at once: nothing is inherited', async () => {
      const c = await untilSeen(async () => {
        const c = await Conversation.open(stage);
        await c.write(
          head([`traceparent: ${valueOf(newContext())}`, 'Content-Length: 2000000000'], 'PUT / HTTP/1.1'),
        );
        await c.again();
        c.lose();
        await c.write('no request');
        await c.settle();
        return c;
      });
      assert.deepEqual(c.lostContexts(), [undefined]);
    });

    test('a request on a socket that is connected again is found', async () => {
      const a = newContext();
      const c = await untilSeen(async () => {
        const c = await Conversation.open(stage);
        await c.write('GET / HTTP/1.1\r\n');
        await c.again();
        c.lose();
        await c.write(requestOf(a), a);
        await c.settle();
        return c;
      });
      assert.deepEqual(c.lostContexts(), [a]);
    });

    /** Whole requests until one finds no room at all. One that half fits is finished when there is room again. */
    async function fill(c: Conversation): Promise<void> {
      for (let i = 0; i < MOST_REQUESTS; i += 1) {
        const context = newContext();
        const bytes = head([padding(11 + (i % 97)), `traceparent: ${valueOf(context)}`]);
        const taken = await stage.script.run('try', c.client, hex(bytes)).catch(onlyAgain);
        if (taken === 0) return;
        c.noteWritten(taken, context, { isForgettable: true });
        if (taken === bytes.length) continue;
        await c.settle();
        await c.write(bytes.slice(taken), context);
      }
      assert.fail('every request found room');
    }

    function onlyAgain(error: unknown): number {
      if (error instanceof ScriptError && error.errno === EAGAIN) return 0;
      throw error;
    }
  });
