/** Sums of live connections: interval passes and the close add up to the payload, exactly. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { onlyIn, Watcher, type SeriesRow } from '../support/watcher.ts';
import { churnTruth, playChurn } from './rig/churn.ts';

const CONNECTIONS = 7;
const ROUNDS = 5;
const REQUEST = 1_009;
const REPLY = 100_003;
/** So many that a few sockets take an entry over just when a pass is at it. Fewer in a virtual machine. */
const CHURN = Number(process.env['WIRESPAN_TEST_CHURN'] ?? 40_009);
const CLIENT = 1;
const SERVER = 2;

describe('passes', () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let script: TcpScript;
  let watcher: Watcher;

  before(() => {
    ({ room, script } = TcpScript.open(cleanup));
    watcher = new Watcher(onlyIn(room));
    cleanup.add(() => watcher.close());
  });
  after(() => cleanup.run());

  const total = (rows: readonly SeriesRow[], role: number, field: Parameters<SeriesRow['sum']>[0]): number =>
    rows.filter((row) => row.role === role).reduce((sum, row) => sum + row.sum(field), 0);

  test('long-lived connections, pass by pass', async () => {
    const { listener, port } = await script.listen();
    const rows = (): SeriesRow[] =>
      watcher.series().filter((row) => row.port === port && row.pid === script.pid);
    const pairs: (readonly [client: number, server: number])[] = [];
    for (let i = 0; i < CONNECTIONS; i += 1) {
      const pair = [script.next(), script.next()] as const;
      await script.run('socket', pair[0]);
      await script.run('connect', pair[0], port);
      await script.run('accept', pair[1], listener);
      pairs.push(pair);
    }
    const expectBytes = (rounds: number): void => {
      const payload = [CONNECTIONS * rounds * REQUEST, CONNECTIONS * rounds * REPLY];
      const client = [total(rows(), CLIENT, 'bytes_sent'), total(rows(), CLIENT, 'bytes_received')];
      const server = [total(rows(), SERVER, 'bytes_received'), total(rows(), SERVER, 'bytes_sent')];
      assert.deepEqual({ client, server }, { client: payload, server: payload });
    };
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (const [client, server] of pairs) {
        await script.run('fill', client, REQUEST);
        await script.run('read', server, REQUEST);
        await script.run('fill', server, REPLY);
        await script.run('read', client, REPLY);
        while ((await script.run('unacked', server)) + (await script.run('unacked', client)) > 0);
      }
      watcher.pass();
      expectBytes(round);
      assert.deepEqual(
        [total(rows(), CLIENT, 'active'), total(rows(), SERVER, 'active')],
        [CONNECTIONS, CONNECTIONS],
      );
      watcher.pass();
      expectBytes(round);
    }
    for (const [client, server] of pairs) {
      await script.run('fill', client, REQUEST);
      await script.run('fill', server, REPLY);
      await script.run('read', server, REQUEST);
      await script.run('read', client, REPLY);
      await script.run('close', server);
      await script.run('close', client);
    }
    expectBytes(ROUNDS + 1);
    assert.equal(total(rows(), CLIENT, 'opened'), CONNECTIONS);
  });

  test('passes while connections come and go', async (t) => {
    let passes = 0;
    const meanwhile = (): void => {
      watcher.pass();
      watcher.source.drain(() => undefined);
      passes += 1;
    };
    assert.deepEqual(await playChurn(watcher, room, CHURN, { meanwhile }), churnTruth(CHURN));
    t.diagnostic(`${passes} passes, ${watcher.countAll('REPAIRED')} repairs`);
    assert.ok(passes > 1);
    assert.equal(watcher.needlessRepairs(), 0);
  });
});
