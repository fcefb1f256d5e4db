/** Connections older than the programs: one that moved nothing is read from its first byte, any other is not read. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { Dropper } from '../support/dropper.ts';
import { hex, TcpScript } from '../support/script.ts';
import { head, newContext, requestOf, type Context } from '../support/traceparent.ts';
import { Watcher } from '../support/watcher.ts';
import { Conversation, OPAQUE, plain } from './rig/conversation.ts';
import { dataOf, headersOf, OPENING } from './rig/http2-frames.ts';
import { Http2Wire } from './rig/http2-wire.ts';
import { exchangeLost, writeLost } from './rig/lost-writes.ts';
import { Service, type ServiceStage } from './rig/service.ts';
import { WRITE_VARIANTS } from './rig/write-variants.ts';

/** A body that is a request to whoever takes its first byte for a boundary. */
const SMUGGLED = requestOf(newContext());
const ANNOUNCING = head([`Content-Length: ${String(SMUGGLED.length)}`], 'POST / HTTP/1.1');

for (const { name, refused, skip } of WRITE_VARIANTS)
  describe(`requests on connections older than the programs, writes by ${name}`, { skip }, () => {
    const cleanup = new Cleanup();
    let watcher: Watcher | undefined;
    let stage: ServiceStage;
    const clients: Record<string, Conversation> = {};
    const services: Record<string, Service> = {};

    before(async () => {
      const { room, script } = TcpScript.open(cleanup);
      room.sysctl('net/ipv4/tcp_timestamps', '0');
      const [dropper, answers] = [Dropper.attach(room), Dropper.attach(room)];
      for (const one of [dropper, answers]) cleanup.add(() => one.close());
      stage = {
        get watcher() {
          assert.ok(watcher, 'the programs are not there yet');
          return watcher;
        },
        room,
        script,
        dropper,
        answers,
        ...(await script.listen()),
      };
      for (const key of ['silent', 'other', 'used', 'body', 'byte', 'restored', 'http2'])
        clients[key] = await Conversation.openSilent(stage);
      clients['bound'] = await Conversation.openSilent(stage, { port: 11_503 });
      clients['boundHttp2'] = await Conversation.openSilent(stage, { port: 11_509 });
      for (const [key, text] of [
        ['used', requestOf(newContext())],
        ['body', ANNOUNCING],
        ['byte', 'G'],
        ['restored', ANNOUNCING],
      ] as const) {
        await client(key).write(text);
        await client(key).settle();
      }
      for (const key of ['silent', 'used', 'body', 'restored']) services[key] = await Service.open(stage);
      await service('used').exchange(requestOf(newContext()), undefined);
      await service('body').ask(ANNOUNCING);
      await service('restored').ask(ANNOUNCING);
      await script.run('close', stage.listener);
      await script.run('restore', client('restored').client, 1);
      await script.run('restore', service('restored').server, 0);
      for (const s of [client('restored').client, service('restored').server]) await script.run('nodelay', s);
      watcher = new Watcher({ http2: refused.length === 0 }, refused);
      cleanup.add(() => watcher?.close());
    });
    after(() => cleanup.run());

    const client = (key: string): Conversation => clients[key] ?? assert.fail(key);
    const service = (key: string): Service => services[key] ?? assert.fail(key);
    /** Writes that were lost. */
    let writes = 0;
    const stale = (): number => stage.watcher.count('PROBE_REQUEST', 'MISS_FRAMING');

    /** Writes these, all lost once, and returns what was found of them. */
    async function contextsOf(c: Conversation, ...texts: [string, Context?][]): Promise<unknown[]> {
      for (const [text, context] of texts) {
        c.lose();
        writes += await writeLost(stage, c, text, context);
      }
      await c.close();
      const { sent, shown } = c.segments() ?? assert.fail('no close record');
      assert.ok(sent >= texts.length && shown > 0, `${String(shown)} of ${String(sent)} segments shown`);
      c.checkContexts();
      return c.lostContexts();
    }

    test('a client that wrote nothing: each request, and its handshake is on no trace', async () => {
      const [a, b] = [newContext(), newContext()];
      const c = client('silent');
      assert.deepEqual(await contextsOf(c, [requestOf(a), a], [head([])], [requestOf(b), b]), [
        a,
        undefined,
        b,
      ]);
      const records = stage.watcher.connections(stage.room.inode, c.localPort, stage.port);
      assert.deepEqual(
        records.map(({ kind, context }) => [kind, plain(context)]),
        [['close', undefined]],
      );
    });

    test('one whose first bytes are no request: nothing', async () => {
      const found = await contextsOf(client('other'), [OPAQUE], [requestOf(newContext())]);
      assert.deepEqual(found, [undefined, undefined]);
    });

    test('one whose first bytes are HTTP/2: each stream, unless it may be restored', async () => {
      // Where writes are met by a kprobe, HTTP/2 is not read.
      if (refused.length > 0) return;
      const wire = new Http2Wire(stage);
      for (const [key, isRead] of [
        ['http2', true],
        ['boundHttp2', false],
      ] as const) {
        const [a, c] = [newContext(), client(key)];
        stage.dropper.rest();
        await c.write(OPENING + headersOf(1, a));
        await c.settle();
        await wire.lose(c, dataOf(1, 50));
        assert.deepEqual(wire.spans(c), [isRead ? a.spanId : undefined], key);
        await c.close();
      }
    });

    test('one that wrote before: nothing, whatever was written, and it is counted', async () => {
      for (const [key, text] of [
        ['used', requestOf(newContext())],
        ['body', SMUGGLED],
        ['byte', requestOf(newContext())],
      ] as const) {
        const before = stale();
        writes = 0;
        const found = await contextsOf(client(key), [text], [requestOf(newContext())]);
        assert.deepEqual(found, [undefined, undefined], key);
        if (refused.length === 0) assert.equal(stale() - before, writes, key);
      }
    });

    test('one that may be the rest of a stream (TCP_REPAIR): nothing', async () => {
      // Its queue had one byte that is acknowledged by now: its counters are those of a client that wrote nothing.
      const c = client('restored');
      await stage.script.run('write', c.client, hex(SMUGGLED));
      c.noteWritten(SMUGGLED.length);
      c.lose();
      await c.write(requestOf(newContext()));
      await c.settle();
      assert.deepEqual(new Set(c.lostContexts()), new Set([undefined]));
      assert.deepEqual(await contextsOf(client('bound'), [requestOf(newContext())]), [undefined]);
    });

    test('a server to which nothing came: each answer', async () => {
      const [a, b] = [newContext(), newContext()];
      const s = service('silent');
      await exchangeLost(s, requestOf(a), a);
      await exchangeLost(s, head([]), undefined);
      await exchangeLost(s, requestOf(b), b);
      await s.close();
      s.check();
      // Where writes are met by a kprobe, answers have no links.
      const [first, last] = refused.length === 0 ? [a.spanId, b.spanId] : [];
      assert.deepEqual(s.spans(), [first, undefined, last]);
    });

    test('one to which bytes came before, or that may be restored: nothing', async () => {
      for (const key of ['used', 'body', 'restored']) {
        const s = service(key);
        await s.exchange(key === 'used' ? requestOf(newContext()) : SMUGGLED, undefined);
        await s.exchange(requestOf(newContext()), undefined);
        await s.close();
        s.check();
        assert.deepEqual(s.spans(), [undefined, undefined], key);
      }
    });
  });
