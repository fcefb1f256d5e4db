/** Whose the queries of the real `pg` and `pg-pool` are said to be, by the bytes that they write. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type * as Pg from 'pg';
import { Cleanup } from '../../support/cleanup.ts';
import { part } from './parts.ts';
import { FakeSpan, loadAnew, useFakeOpenTelemetry, Wire, within } from './wire.ts';

const message = (type: string, body = ''): Buffer => {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([head, Buffer.from(body, 'latin1')]);
};
const [OK, READY, DONE] = [message('R', '\0\0\0\0'), message('Z', 'I'), message('C', 'SELECT 0\0')];
const ANSWERS: Readonly<Record<string, readonly Buffer[]>> = {
  P: [message('1')],
  B: [message('2')],
  D: [message('n')],
  E: [DONE],
  S: [READY],
  Q: [DONE, READY],
};

/** As PostgreSQL does, as far as these tests ask; the first message has no type. */
function answer(socket: Socket, data: Buffer): void {
  if (data[0] === 0) return void socket.write(Buffer.concat([OK, READY]));
  const answers: Buffer[] = [];
  for (let at = 0; at < data.length; at += 1 + data.readUInt32BE(at + 1))
    answers.push(...(ANSWERS[String.fromCharCode(data[at] ?? 0)] ?? []));
  socket.write(Buffer.concat(answers));
}

/** As a client of earlier versions is, as far as the hook looks at it: its queue has another name. */
const OLDER = `
  exports.Query = class { submit(connection) { connection.stream.write(this.text); } };
  exports.Client = class Client {
    constructor(stream) { Object.assign(this, { connection: { stream }, queryQueue: [] }); }
    query(text) { this.queryQueue.push(Object.assign(new exports.Query(), { text })); }
    pulse() { this.queryQueue.shift().submit(this.connection); }
  };
  module.exports = Object.assign(exports.Client, { Query: exports.Query });`;

type Query = (text: string) => Promise<unknown>;

describe('the hook of pg', () => {
  const tracing = useFakeOpenTelemetry();
  const wire = Wire.use(answer);
  let library: typeof Pg;
  let ends: (() => Promise<unknown>)[] = [];
  let [a, b] = [new FakeSpan('A'), new FakeSpan('B')];

  before(async () => {
    const [{ hookPg }, { ClientSpans }] = await Promise.all([part('pg'), part('client-spans')]);
    hookPg(wire.announcer, new ClientSpans());
    library = loadAnew('pg') as typeof Pg;
  });
  afterEach(async () => {
    [a, b] = [new FakeSpan('A'), new FakeSpan('B')];
    tracing.next = undefined;
    await Promise.all(ends.map((end) => end()));
    ends = [];
  });

  const place = (): Pg.ClientConfig => ({ host: '127.0.0.1', port: wire.port, user: 'u', database: 'd' });
  const newPool = (max = 1): Pg.Pool => {
    const pool = new library.Pool({ ...place(), max });
    ends.push(() => pool.end());
    return pool;
  };
  const newClient = (options: object = {}): Pg.Client => {
    const client = new library.Client({ ...place(), ...options });
    ends.push(() => client.end());
    return client;
  };

  test('the first query of all is of the span that was started for it', async () => {
    const client = newClient();
    await client.connect();
    tracing.next = new FakeSpan('C', a);
    tracing.start('pg.query', { kind: 2, attributes: { 'db.system': 'postgresql' } });
    await within(a, () => client.query('k1'));
    assert.deepEqual(await wire.told(), ['C: k1']);
  });

  test('calls of a pool that wait for its one connection are of who asked', async () => {
    const pool = newPool();
    const query: Query = (text) => pool.query(text);
    await Promise.all([
      within(a, () => query('k1')),
      within(b, () => query('k2')),
      query('k3'),
      within(a, () => query('k4')),
      within(b, () => pool.query('k5 $1', ['x'])),
    ]);
    assert.deepEqual(await wire.told(), ['A: k1', 'B: k2', 'nobody: k3', 'A: k4', 'B: k5']);
  });

  test('a client that somebody else gave back is of who asked while it is handed on, and nobody’s later', async () => {
    const pool = newPool();
    const use = (text: string, later: string): Promise<void> =>
      new Promise((resolve, reject) => {
        pool.connect((error, client, done) => {
          if (client === undefined) return reject(error ?? new Error());
          client.query(text, () =>
            client.query(later, () => {
              done();
              resolve();
            }),
          );
        });
      });
    await Promise.all([within(a, () => use('k1', 'k2')), within(b, () => use('k3', 'k4'))]);
    const client = await within(b, () => pool.connect());
    await within(b, () => client.query('k5'));
    client.release();
    assert.deepEqual(await wire.told(), ['A: k1', 'nobody: k2', 'B: k3', 'nobody: k4', 'B: k5']);
  });

  test('a client that was handed on in somebody’s context is used for nobody, until it is given back', async () => {
    const pool = newPool();
    const held = await pool.connect();
    const use = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        pool.connect((error, client, done) => {
          if (client === undefined) return reject(error ?? new Error());
          const end = (): void => {
            done();
            resolve();
          };
          setImmediate(() => client.query(text, end));
        });
      });
    const used = within(b, () => use('k2'));
    await within(a, async () => {
      await held.query('k1');
      held.release();
    });
    await used;
    const client = await within(b, () => pool.connect());
    await within(b, () => client.query('k3'));
    client.release();
    await within(a, () => use('k4'));
    assert.deepEqual(await wire.told(), ['A: k1', 'nobody: k2', 'B: k3', 'A: k4']);
  });

  test('queries that wait on a client are of who asked, before it is connected and after', async () => {
    const client = newClient();
    const query: Query = (text) => client.query(text);
    const sent = [within(a, () => query('k1')), within(b, () => query('k2')), query('k3')];
    await client.connect();
    await Promise.all(sent);
    await Promise.all([within(b, () => query('k4')), within(a, () => query('k5')), query('k6')]);
    assert.deepEqual(await wire.told(), ['A: k1', 'B: k2', 'nobody: k3', 'B: k4', 'A: k5', 'nobody: k6']);
  });

  test('a span that is over by then is none', async () => {
    const client = newClient();
    const sent = within(a, () => client.query('k1'));
    a.isOver = true;
    await client.connect();
    await sent;
    assert.deepEqual(await wire.told(), ['nobody: k1']);
  });

  test('the context of the connection is no evidence of who asks', async () => {
    const client = newClient();
    await within(a, () => client.connect());
    await new Promise<void>((resolve) => {
      within(b, () => client.query('k1', () => client.query('k2', () => resolve())));
    });
    assert.deepEqual(await wire.told(), ['B: k1', 'nobody: k2']);
  });

  test('a pipeline’s queries are each of its own, those before the connection too', async () => {
    const client = newClient({ pipeline: true });
    const sent = [within(a, () => client.query('k1')), within(b, () => client.query('k2'))];
    await new Promise<void>((resolve, reject) => {
      within(new FakeSpan('C'), () =>
        client.connect((error) => {
          if (error) reject(error);
          sent.push(within(b, () => client.query('k3')));
          resolve();
        }),
      );
    });
    await Promise.all(sent);
    assert.deepEqual(await wire.told(), ['A: k1', 'B: k2', 'B: k3']);
  });

  test('a query that is refused takes nothing from one that waits', async () => {
    const client = newClient({ pipeline: true });
    const sent = within(a, () => client.query('k1'));
    const refused = within(b, () => client.query({ text: 'k2', rows: 5 } as Pg.QueryConfig));
    await assert.rejects(refused, /not supported/);
    await client.connect();
    await sent;
    assert.deepEqual(await wire.told(), ['A: k1']);
  });

  test('a query that the application made is of who asked; what brings its own way to write is nobody’s', async () => {
    const client = newClient();
    await client.connect();
    const made = new library.Query('k1');
    const ended = new Promise((resolve) => made.once('end', resolve));
    within(a, () => client.query(made as unknown as Pg.Submittable));
    await ended;
    const connections: { query(text: string): void }[] = [];
    const own = {
      submit: (connection: { query(text: string): void }) => {
        connections.push(connection);
        connection.query('k2');
      },
      handleCommandComplete: () => undefined,
      handleReadyForQuery: () => undefined,
    };
    within(a, () => client.query(own as unknown as Pg.Submittable));
    await within(b, () => client.query('k3'));
    assert.equal(connections.length, 1);
    assert.deepEqual(await wire.told(), ['A: k1', 'nobody: k2', 'B: k3']);
  });

  test('a client whose queue is elsewhere is left alone', async () => {
    const client = newClient();
    await client.connect();
    await within(b, () => client.query('k1'));
    const hidden = (client as unknown as { _queryQueue: unknown })._queryQueue as object[];
    Object.defineProperty(client, '_queryQueue', {
      value: {
        push: (query: object) => hidden.push(query),
        shift: () => hidden.shift(),
        forEach: () => undefined,
      },
    });
    await within(a, () => client.query('k2'));
    assert.deepEqual(await wire.told(), ['B: k1', 'nobody: k2']);
  });

  test('queries that wait in an older version are of who asked', async () => {
    const cleanup = new Cleanup();
    const folder = join(cleanup.makeFolder(), 'pg');
    ends.push(() => cleanup.run());
    mkdirSync(join(folder, 'lib'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'pg', version: '8.11.3' }));
    writeFileSync(join(folder, 'lib', 'index.js'), `module.exports = require('./client');`);
    writeFileSync(join(folder, 'lib', 'client.js'), OLDER);
    const require = createRequire(import.meta.url);
    const Client = require(join(folder, 'lib', 'index.js')) as new (
      socket: Socket,
    ) => Record<'query' | 'pulse', (text?: string) => void>;
    const socket = connect(wire.port, '127.0.0.1');
    await once(socket, 'connect');
    const client = new Client(socket);
    within(a, () => client.query('k1 of A'));
    within(b, () => client.query('k2 of B'));
    client.pulse();
    client.pulse();
    assert.deepEqual(await wire.told(), ['A: k1', 'B: k2']);
  });

  describe('with an instrumentation', () => {
    let name = 'pg.query:SELECT';
    let original: (...args: unknown[]) => unknown;
    before(() => {
      const { prototype } = library.Client;
      original = Reflect.get(prototype, 'query');
      Reflect.set(prototype, 'query', function (this: object, ...args: unknown[]) {
        if (tracing.next) tracing.start(name, { kind: 2, attributes: { 'db.system': 'postgresql' } });
        return original.apply(this, args);
      });
    });
    after(() => Reflect.set(library.Client.prototype, 'query', original));
    afterEach(() => (name = 'pg.query:SELECT'));

    test('a query is of the span that was started for it, also when it waits', async () => {
      const client = newClient();
      await client.connect();
      const ask = (letter: string, text: string): Promise<unknown> => {
        tracing.next = new FakeSpan(letter, a);
        return within(a, () => client.query(text));
      };
      await Promise.all([ask('C', 'k1'), ask('D', 'k2')]);
      assert.deepEqual(await wire.told(), ['C: k1', 'D: k2']);
    });

    test('the span of a connect is not a query’s', async () => {
      const client = newClient();
      await client.connect();
      name = 'pg.connect';
      tracing.next = new FakeSpan('C', a);
      await within(a, () => client.query('k1'));
      assert.deepEqual(await wire.told(), ['A: k1']);
    });
  });
});
