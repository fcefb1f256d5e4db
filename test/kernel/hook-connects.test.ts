/** Connects of a Node client with `wirespan/hook`: each that fails is on the span that asked for it, and on no other. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { TcpScript } from '../support/script.ts';
import type { ConnectionRecord } from '../../receiver/model/record.ts';
import { plain, type Stage } from './rig/conversation.ts';
import { startHooked } from './rig/hooked-service.ts';
import { openStage } from './rig/stage.ts';
import type { Context } from '../support/traceparent.ts';

const [LOOPBACK, BEFORE_SYN] = ['127.0.0.1', '198.51.100.7'];
const RESETS = 24;
const WAYS = ['net', 'http', 'https', 'fetch'] as const;

interface Attempt {
  readonly by: 'net' | 'families' | 'http' | 'https' | 'queued' | 'fetch' | 'late';
  readonly host: string;
  readonly port: number;
  readonly hasSpan: boolean;
}

/** As the client knew it. */
interface Truth extends Attempt {
  readonly error?: string;
  readonly context: Context | undefined;
}

describe('connects of a Node client with the hook', () => {
  const cleanup = new Cleanup();
  let stage: Stage;

  before(async () => {
    stage = await openStage(cleanup);
    stage.room.exec('ip', 'route', 'add', 'unreachable', `${BEFORE_SYN}/32`);
    stage.room.sysctl('net/ipv4/tcp_syn_retries', '1');
  });
  after(() => cleanup.run());

  /** Makes them all at once, in one process. */
  async function run(plan: readonly Attempt[]): Promise<Truth[]> {
    const { out, ended } = startHooked(cleanup, {
      room: stage.room,
      name: 'connect-service.ts',
      args: [JSON.stringify(plan)],
      isHooked: true,
      env: {
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_LOGS_EXPORTER: 'none',
        OTEL_TRACES_SAMPLER: 'traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.7',
      },
    });
    assert.equal(await ended, 0);
    const lines = out().trim().split('\n');
    assert.equal(lines.length, plan.length);
    return plan.map((attempt, index) => {
      const { error, ...context } = JSON.parse(lines[index] ?? '') as Context & Truth;
      return {
        ...attempt,
        ...(error === undefined ? {} : { error }),
        context: 'traceId' in context ? context : undefined,
      };
    });
  }

  const recordsAt = (port: number, kind: ConnectionRecord['kind']): ConnectionRecord[] =>
    stage.watcher.towards(stage.room.inode, port, kind);
  const contextsAt = (port: number): (Context | undefined)[] =>
    recordsAt(port, 'fail').map(({ context }) => plain(context));
  const some = (count: number, attempt: (index: number) => Omit<Attempt, 'port'>): Attempt[] =>
    Array.from({ length: count }, (_, index) => ({ ...attempt(index), port: TcpScript.newPort() }));
  const ways = (count: number, host = LOOPBACK): Attempt[] =>
    some(count, (index) => ({ by: WAYS[index % 4] ?? 'net', host, hasSpan: index % 3 !== 0 }));

  test('refused and unreachable ones, 75 at once in 50 spans: each is its own, and 25 are nobody’s', async () => {
    const truths = await run([...ways(60), ...ways(15, BEFORE_SYN)]);
    assert.equal(truths.filter(({ context }) => context).length, 50);
    for (const { port, by, host, error, context } of truths) {
      assert.equal(error, host === LOOPBACK ? 'ECONNREFUSED' : 'EHOSTUNREACH');
      assert.deepEqual(contextsAt(port), [context], `${by} ${host}`);
    }
    assert.equal(new Set(truths.map(({ context }) => context?.spanId)).size, 51);
  });

  test('each address of a name: the attempts of one connect are of one span', async () => {
    const truths = await run(some(6, (index) => ({ by: 'families', host: '', hasSpan: index % 2 === 0 })));
    for (const { port, context } of truths) assert.deepEqual(contextsAt(port), [context, context]);
  });

  test('those that time out, with their SYNs sent again', async () => {
    const plan = ways(16);
    stage.room.filter(`tcp dport { ${plan.map(({ port }) => port).join(', ')} } drop`);
    const truths = await run(plan);
    stage.room.filter();
    const syns = stage.watcher.retransmits(stage.room.inode).filter(({ type }) => type === 'syn');
    for (const { port, by, error, context } of truths) {
      assert.equal(error, 'ETIMEDOUT');
      assert.deepEqual(contextsAt(port), [context], by);
      const again = syns.filter(({ endpoints }) => endpoints.peerPort === port);
      assert.ok(again.length > 0);
      for (const { context: of } of again) assert.deepEqual(plain(of), context, by);
    }
  });

  test('a reset before or at the first bytes: the handshake is of the span', async () => {
    const { script } = stage;
    const listeners = new Map<number, number>();
    for (let index = 0; index < RESETS; index += 1) {
      const { listener, port } = await script.listen();
      listeners.set(port, listener);
    }
    const ports = [...listeners.keys()];
    const truths = run(ways(RESETS).map((attempt, index) => ({ ...attempt, port: ports[index] ?? 0 })));
    for (const listener of listeners.values()) {
      const server = script.next();
      await script.run('accept', server, listener);
      await script.run('reset', server);
    }
    for (const { by, port, context } of await truths) {
      // Nothing is asked for of one that is not sampled.
      const expected = context?.flags === 1 ? [context] : [];
      assert.deepEqual(
        recordsAt(port, 'handshake').map((record) => plain(record.context)),
        expected,
        by,
      );
      const closed = recordsAt(port, 'close').map(({ closeReason }) => closeReason);
      assert.deepEqual(closed, ['reset_received'], by);
    }
  });

  test('one that an agent opens for a request that waited is of that request or of nobody', async () => {
    const port = TcpScript.newPort();
    const truths = await run(
      Array.from({ length: 6 }, () => ({ by: 'queued', host: LOOPBACK, port, hasSpan: true })),
    );
    const found = contextsAt(port);
    assert.equal(found.length, truths.length);
    assert.deepEqual(found[0], truths[0]?.context);
    for (const [index, context] of found.entries())
      if (context !== undefined) assert.deepEqual(context, truths[index]?.context);
  });

  test('one in the context of a span that is over is nobody’s', async () => {
    const truths = await run(some(6, () => ({ by: 'late', host: LOOPBACK, hasSpan: true })));
    for (const { port, context } of truths) {
      const [found] = contextsAt(port);
      if (context?.flags === 1) assert.equal(found, undefined);
      else assert.deepEqual(found, context);
    }
  });
});
