/** Whose the commands of the real `ioredis` are said to be, by the bytes that it writes. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import type * as Ioredis from 'ioredis';
import { part } from './parts.ts';
import { FakeSpan, loadAnew, useFakeOpenTelemetry, Wire, within } from './wire.ts';

/** Each command gets `OK`; `exec` two of them, `cluster slots` the one server, and one with a word like `lost1` its connection's end at first. */
function answer(socket: Socket, data: Buffer): void {
  const [word] = /lost\d/.exec(data.toString('latin1')) ?? [];
  if (word !== undefined && !lost.has(word)) {
    lost.add(word);
    socket.destroy();
  }
  for (const [command] of data.toString('latin1').matchAll(/\*\d+\r\n(?:\$\d+\r\n[^\r]*\r\n)+/g)) {
    const slots = `*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:${socket.localPort}\r\n$2\r\nid\r\n`;
    if (/\r\nexec\r\n/.test(command)) socket.write('*2\r\n+OK\r\n+OK\r\n');
    else socket.write(/\r\nslots\r\n/i.test(command) ? slots : '+OK\r\n');
  }
}

const lost = new Set<string>();

interface WithStream {
  readonly stream: Socket;
}

describe('the hook of ioredis', () => {
  const tracing = useFakeOpenTelemetry();
  const wire = Wire.use(answer);
  const clients: (Ioredis.Redis | Ioredis.Cluster)[] = [];
  let library: typeof Ioredis;
  let [a, b] = [new FakeSpan('A'), new FakeSpan('B')];

  before(async () => {
    const [{ hookIoredis }, { ClientSpans }] = await Promise.all([part('ioredis'), part('client-spans')]);
    hookIoredis(wire.announcer, new ClientSpans());
    library = loadAnew('ioredis') as typeof Ioredis;
  });
  afterEach(() => {
    [a, b] = [new FakeSpan('A'), new FakeSpan('B')];
    for (const client of clients.splice(0)) client.disconnect();
  });

  function open(options: Ioredis.RedisOptions = {}): Ioredis.Redis {
    const client = new library.Redis({
      port: wire.port,
      lazyConnect: true,
      retryStrategy: () => 1,
      ...options,
    });
    clients.push(client);
    return client;
  }
  async function opened(options: Ioredis.RedisOptions = {}): Promise<Ioredis.Redis> {
    const client = open(options);
    await client.connect();
    return client;
  }

  test('the first command of all is of the span that was started for it', async () => {
    const client = await opened({ enableReadyCheck: false, disableClientInfo: true });
    tracing.next = new FakeSpan('C', a);
    within(a, () => tracing.start('get', { kind: 2, attributes: { 'db.system': 'redis' } }));
    await within(a, () => client.get('k1'));
    tracing.next = undefined;
    assert.deepEqual(await wire.told(), ['C: k1']);
  });

  test('commands of two spans in a turn are each of its own, and what the client sends for itself is nobody’s', async () => {
    const client = await within(a, () => opened({ db: 2 }));
    await Promise.all([
      within(b, () => client.set('k1', 'x')),
      client.set('k2', 'x'),
      within(new FakeSpan('C'), () => client.get('k3')),
      within(b, () => client.select(3)),
    ]);
    assert.deepEqual(await wire.told(), ['B: k1', 'nobody: k2', 'C: k3']);
  });

  test('commands that wait for the connection are of who asked, whoever had it opened', async () => {
    const client = open();
    await Promise.all([
      within(a, () => client.set('k1', 'x')),
      within(b, () => client.set('k2', 'x')),
      client.set('k3', 'x'),
    ]);
    assert.deepEqual(await wire.told(), ['A: k1', 'B: k2', 'nobody: k3']);
  });

  test('a command that is kept is not said before it is written', async () => {
    const client = open();
    const kept = new Promise((resolve) =>
      client.once('connect', () => resolve(within(b, () => client.set('k1', 'x')))),
    );
    await client.connect();
    await kept;
    assert.deepEqual(await wire.told(), ['B: k1']);
    assert.equal(wire.saidCount, 2);
  });

  test('what was not answered is sent again, and is of who asked', async () => {
    const client = await opened();
    await within(a, () => client.set('lost1', 'x'));
    assert.deepEqual(await wire.told(), ['A: lost1', 'A: lost1']);
  });

  test('a span that is over by then is none', async () => {
    const client = open();
    const sent = within(a, () => client.set('k1', 'x'));
    a.isOver = true;
    await sent;
    assert.deepEqual(await wire.told(), ['nobody: k1']);
  });

  test('the context of the connection is no evidence of who asks', async () => {
    const client = open();
    const ready = new Promise((resolve) => client.once('ready', () => resolve(client.set('k1', 'x'))));
    await within(a, () => client.connect());
    await ready;
    await within(a, () => client.set('k2', 'x'));
    assert.deepEqual(await wire.told(), ['nobody: k1 k2']);
  });

  test('a pipeline and a transaction are of their span, and nobody’s when several spans added to it', async () => {
    const client = await opened();
    await within(a, () => client.pipeline().set('k1', 'x').set('k2', 'x').exec());
    await within(b, () => client.multi().set('k3', 'x').exec());
    const mixed = within(a, () => client.pipeline().set('k4', 'x'));
    within(b, () => mixed.set('k5', 'x'));
    within(a, () => mixed.set('k6', 'x'));
    await within(a, () => mixed.exec());
    await within(a, () => client.set('k7', 'x'));
    assert.deepEqual(await wire.told(), ['A: k1 k2', 'B: k3', 'nobody: k4 k5 k6', 'A: k7']);
  });

  test('a pipeline that waits for the connection is nobody’s', async () => {
    const client = open();
    await within(a, () => client.pipeline().set('k1', 'x').set('k2', 'x').exec());
    assert.deepEqual(await wire.told(), ['nobody: k1 k2']);
  });

  test('commands that are pipelined by themselves: of one span, or nobody’s', async () => {
    const client = await opened({ enableAutoPipelining: true });
    await Promise.all([within(a, () => client.set('k1', 'x')), within(b, () => client.set('k2', 'x'))]);
    await Promise.all([within(a, () => client.set('k3', 'x')), within(a, () => client.set('k4', 'x'))]);
    assert.deepEqual(await wire.told(), ['nobody: k1 k2', 'A: k3 k4']);
  });

  test('what waits in the socket is nobody’s, and what is written behind it', async () => {
    const client = await opened();
    const { stream } = client as unknown as WithStream;
    stream.cork();
    const sent = [within(a, () => client.set('k1', 'x')), within(b, () => client.set('k2', 'x'))];
    stream.uncork();
    await Promise.all(sent);
    assert.deepEqual(await wire.told(), ['nobody: k1 k2']);
  });

  test('a cluster’s commands are of who asked, before it is known and after', async () => {
    const node = [{ host: '127.0.0.1', port: wire.port }];
    const options = { lazyConnect: true, enableReadyCheck: false, redisOptions: { disableClientInfo: true } };
    const cluster = new library.Cluster(node, options);
    clients.push(cluster);
    await Promise.all([
      within(a, () => cluster.set('k1', 'x')),
      within(b, () => cluster.set('k2', 'x')),
      cluster.set('k3', 'x'),
    ]);
    await within(b, () => cluster.set('k4', 'x'));
    assert.deepEqual(
      (await wire.told()).filter((line) => /k\d/.test(line)),
      ['A: k1', 'B: k2', 'nobody: k3', 'B: k4'],
    );
  });

  describe('with an instrumentation', () => {
    let [name, kind, system] = ['set', 2, 'redis'];
    let original: (command: { name: string }) => unknown;
    before(() => {
      const { prototype } = library.Redis;
      original = Reflect.get(prototype, 'sendCommand') as typeof original;
      Reflect.set(prototype, 'sendCommand', function (this: object, ...args: [{ name: string }]) {
        if (tracing.next && args[0].name === 'set')
          tracing.start(name, { kind, attributes: { 'db.system.name': system } });
        return original.apply(this, args);
      });
    });
    after(() => Reflect.set(library.Redis.prototype, 'sendCommand', original));
    afterEach(() => {
      [name, kind, system] = ['set', 2, 'redis'];
      tracing.next = undefined;
    });

    test('a cluster’s command is of who asked, though it has a span of its own in another context', async () => {
      const node = [{ host: '127.0.0.1', port: wire.port }];
      const options = {
        lazyConnect: true,
        enableReadyCheck: false,
        redisOptions: { disableClientInfo: true },
      };
      const cluster = new library.Cluster(node, options);
      clients.push(cluster);
      const opening = within(b, () => cluster.connect());
      tracing.next = new FakeSpan('C', b);
      await Promise.all([opening, within(a, () => cluster.set('k1', 'x'))]);
      assert.deepEqual(
        (await wire.told()).filter((line) => /k\d/.test(line)),
        ['A: k1'],
      );
    });

    test('a command is of the span that was started for it, once', async () => {
      const client = await opened();
      tracing.next = new FakeSpan('C', a);
      const sent = within(a, () => client.set('k1', 'x'));
      tracing.next = undefined;
      await Promise.all([sent, within(a, () => client.set('k2', 'x'))]);
      assert.deepEqual(await wire.told(), ['C: k1', 'A: k2']);
    });

    test('one that waits is of the first, and that one is not over', async () => {
      const client = open();
      tracing.next = new FakeSpan('C', a);
      const sent = within(a, () => client.set('k1', 'x'));
      tracing.next = new FakeSpan('D', a);
      await sent;
      assert.deepEqual(await wire.told(), ['C: k1']);
    });

    for (const [what, change] of Object.entries<() => void>({
      'with another name': () => void (name = 'connect'),
      'of another kind': () => void (kind = 1),
      'of another database': () => void (system = 'memcached'),
      'below another span': () => void (tracing.next = new FakeSpan('C', b)),
      'below none': () => void (tracing.next = new FakeSpan('C')),
    }))
      test(`a span ${what} is not the command’s`, async () => {
        const client = await opened();
        tracing.next = new FakeSpan('C', a);
        change();
        await within(a, () => client.set('k1', 'x'));
        assert.deepEqual(await wire.told(), ['A: k1']);
      });

    test('a span that nobody asked for in its turn is forgotten', async () => {
      const client = await opened();
      tracing.next = new FakeSpan('C', a);
      tracing.start('get', { kind, attributes: { 'db.system': system } });
      await Promise.resolve();
      await within(a, () => client.get('k1'));
      tracing.start('get', { kind, attributes: { 'db.system': system } });
      await within(a, () => client.get('k2'));
      assert.deepEqual(await wire.told(), ['A: k1', 'C: k2']);
    });
  });
});
