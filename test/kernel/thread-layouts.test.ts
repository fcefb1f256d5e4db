/** Where threads publish, by the models of thread-local storage; connects, refused ones too, of many threads at once. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readThreadLayout } from '../../receiver/host/thread-layout.ts';
import { Cleanup } from '../support/cleanup.ts';
import { TcpScript } from '../support/script.ts';
import { publish, PUBLISHER, recordOf, SCHEMA } from '../support/thread-context.ts';
import { plain, type Stage } from './rig/conversation.ts';
import { openStage } from './rig/stage.ts';
import { beginToPublish, library, tell } from './rig/thread-publisher.ts';
import { ThreadWorkload } from './rig/thread-workload.ts';
import { newContext, type Context } from '../support/traceparent.ts';

const [THREADS, ROUNDS] = [12, 40];
/** No room is kept for libraries that come late: their blocks are allocated for each thread that uses them. */
const NO_ROOM = { GLIBC_TUNABLES: 'glibc.rtld.optional_static_tls=0' };

interface Model {
  readonly name: string;
  readonly from: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly isDynamic: boolean;
}

const loadedLate = (model: string, isDynamic: boolean, env?: Model['env']): Model => ({
  name: `${model}, loaded late${env === undefined ? '' : ', without room'}`,
  from: library(model),
  isDynamic,
  ...(env && { env }),
});
const loadedFirst = (model: string): Model => ({
  name: `${model}, loaded at the start`,
  from: '-',
  env: { LD_PRELOAD: library(model) },
  isDynamic: ['gnu', 'protected', 'large-gnu'].includes(model),
});
const MODELS: readonly Model[] = [
  { name: 'local-exec', from: '-', isDynamic: false },
  ...['gnu', 'gnu2', 'initial-exec', 'protected', 'large-gnu', 'large-gnu2'].map(loadedFirst),
  loadedLate('gnu', true),
  loadedLate('gnu2', false),
  loadedLate('initial-exec', false),
  loadedLate('protected', true),
  loadedLate('large-gnu', true),
  loadedLate('gnu2', true, NO_ROOM),
  loadedLate('large-gnu2', true),
];

describe('where threads publish', () => {
  const cleanup = new Cleanup();
  let stage: Stage;

  before(async () => {
    stage = await openStage(cleanup);
  });
  after(() => cleanup.run());

  const count = (reason: Parameters<Stage['watcher']['count']>[1]): number =>
    stage.watcher.count('PROBE_THREAD', reason);

  function start({ from, env = {} }: Pick<Model, 'from' | 'env'>): TcpScript {
    const isOwn = from === '-' && env['LD_PRELOAD'] === undefined;
    const script = TcpScript.start(stage.room, { env, ...(isOwn && { program: PUBLISHER }) });
    cleanup.add(() => script.stop());
    return script;
  }

  /** Whose a handshake is; `words`: what runs the connect. */
  async function connect(script: TcpScript, ...words: string[]): Promise<Context | undefined> {
    const [client, server] = [script.next(), stage.script.next()];
    await script.run('socket', client, 0);
    const localPort = await script.run(...words, 'connect', client, stage.port);
    await stage.script.run('accept', server, stage.listener);
    await script.run('reset', client);
    await stage.script.run('close', server);
    const records = stage.watcher.connections(stage.room.inode, localPort, stage.port);
    assert.ok(records.some(({ kind }) => kind === 'open'));
    const { context } = records.find(({ kind }) => kind === 'handshake') ?? {};
    assert.ok(context === undefined || context.method === 'thread_ctx');
    return plain(context);
  }

  for (const model of MODELS)
    test(`is found: ${model.name}`, async () => {
      const script = start(model);
      const { look, owner, layouts } = await beginToPublish(stage, script, model.from);
      assert.ok(typeof look === 'object');
      assert.equal(look.module > 0, model.isDynamic);
      const [first, other] = [newContext(), newContext()];
      await publish(script, first);
      assert.deepEqual(await connect(script), first);
      // Each thread has its own, and one that used it never has none.
      assert.deepEqual(await connect(script, 'beside', '0', recordOf(other)), other);
      assert.equal(await connect(script, 'beside', '0', 'nothing'), undefined);
      assert.deepEqual(await connect(script), first);
      await publish(script, undefined);
      assert.equal(await connect(script), undefined);
      await publish(script, first);
      layouts.remove(owner);
      assert.equal(await connect(script), undefined);
    });

  test('is not found where there is no such variable, or two that differ', async () => {
    const none = TcpScript.start(stage.room);
    cleanup.add(() => none.stop());
    await none.run('sleep', 0, 1);
    assert.equal(await readThreadLayout('/proc', none.pid, { version: SCHEMA }), 'none');
    assert.equal(await readThreadLayout('/proc', none.pid, { version: 'nodejs_v9' }), 'none');
    for (const model of ['gnu', 'gnu2']) await none.run('publisher', 0, library(model), SCHEMA);
    assert.equal(await readThreadLayout('/proc', none.pid, { version: SCHEMA }), 'unresolved');
  });

  test('is nowhere: memory of no kind gives no context', async () => {
    const script = start({ from: '-' });
    const { owner } = await beginToPublish(stage, script, '-');
    await publish(script, newContext());
    const vector = { vector: 8, length: -16, stride: 16 };
    for (const [layout, reason] of [
      [{ offset: 1n << 40n, module: 0, vector: 0, length: 0, stride: 0 }, 'MISS_UNREADABLE'],
      [{ offset: 0n, module: 4_000, ...vector }, 'MISS_NO_HEADER'],
      [{ offset: 0n, module: 1, ...vector, vector: 1 << 30 }, 'MISS_NO_HEADER'],
    ] as const) {
      const before = count(reason);
      tell(stage.watcher, owner, layout);
      assert.equal(await connect(script), undefined);
      assert.ok(count(reason) > before);
    }
  });

  test('an attempt that is refused, given up or has no way is of its thread', async () => {
    const script = start({ from: '-' });
    await beginToPublish(stage, script, '-');
    const { listener, port } = await script.listen();
    await script.run('close', listener);
    const errors: unknown[] = [];
    for (const [address, to] of [
      ['127.0.0.1', port],
      ['203.0.113.1', port],
    ] as const) {
      const [a, client] = [newContext(), script.next()];
      await publish(script, a);
      await script.run('socket', client, 0);
      await assert.rejects(script.run('connect-to', client, address, to));
      const failed = stage.watcher
        .records()
        .flatMap((record) => (record.kind === 'fail' && record.netns === stage.room.inode ? [record] : []))
        .findLast(({ endpoints }) => endpoints.peerAddress === address && endpoints.peerPort === to);
      errors.push(failed?.error);
      assert.deepEqual([plain(failed?.context), failed?.context?.method], [a, 'thread_ctx']);
      await script.run('close', client);
    }
    assert.deepEqual(errors, ['connection_refused', 'network_unreachable']);
  });

  test('a socket that connects again is of its new connect alone', async () => {
    const script = start({ from: '-' });
    await beginToPublish(stage, script, '-');
    const { listener, port } = await script.listen();
    await script.run('close', listener);
    const client = script.next();
    await publish(script, newContext());
    await script.run('socket', client, 0);
    await assert.rejects(script.run('connect', client, port));
    for (const context of [undefined, newContext()]) {
      await publish(script, context);
      const [localPort, server] = [await script.run('reconnect', client, stage.port), stage.script.next()];
      await stage.script.run('accept', server, stage.listener);
      const records = stage.watcher.connections(stage.room.inode, localPort, stage.port);
      assert.deepEqual(plain(records.find(({ kind }) => kind === 'handshake')?.context), context);
      await stage.script.run('close', server);
    }
  });

  test(`${THREADS} threads, each within a trace of its own or within none, are told apart`, async () => {
    const server = start({ from: '-' });
    const { port } = await server.listen('listen', THREADS * ROUNDS + 1);
    const { listener: closed, port: closedPort } = await server.listen();
    await server.run('close', closed);
    const threads = ThreadWorkload.start(cleanup, stage.room, [
      library('gnu2'),
      SCHEMA,
      ...[port, closedPort, THREADS, ROUNDS].map(String),
    ]);
    const owner = await threads.ready(stage.watcher);
    tell(stage.watcher, owner, await readThreadLayout('/proc', owner.pid, { version: SCHEMA }));
    const truth = await threads.run();
    assert.equal(truth.length, THREADS * ROUNDS + 1);
    const ends = stage.watcher
      .records()
      .flatMap((record) => (record.kind === 'handshake' || record.kind === 'fail' ? [record] : []))
      .filter(({ endpoints: { peerPort } }) => [port, closedPort].includes(peerPort));
    const told = ends.flatMap(({ endpoints: { peerPort, localPort }, context }) =>
      context === undefined
        ? []
        : [`${peerPort} ${localPort} ${context.traceId}${context.spanId}0${context.traceFlags}`],
    );
    // A handshake of a trace that is not sampled becomes no span, so there is no record of it.
    const isTold = (line: string): boolean =>
      !line.endsWith('-') && (!line.endsWith('00') || line.startsWith(`${closedPort} `));
    const published = truth.filter((line) => isTold(line));
    assert.ok(published.length > truth.length / 4);
    assert.deepEqual(
      told.filter((line) => !published.includes(line)),
      [],
      'wrong ones',
    );
    const missing = published.filter((line) => !told.includes(line));
    const skipped = stage.watcher.source
      .recursionMisses()
      .find(({ probe }) => probe === 'inet_sock_set_state');
    assert.ok(
      missing.length <= (skipped?.missed ?? 0),
      `${missing.length} of ${published.length} are missing`,
    );
  });
});
