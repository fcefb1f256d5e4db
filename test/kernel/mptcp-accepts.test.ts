/** MPTCP listeners that begin after the programs: the same figures as those of any other listener. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { hex, TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { Watcher } from '../support/watcher.ts';
import { listenersAt, passAt } from './rig/listeners.ts';

const [CONNECTIONS, BYTES, BACKLOG] = [7, 101, 61];
/** `enum role`, `enum close_reason`. */
const [SERVER, PEER_FIN] = [2, 1];
const TYPED = ['ws_accept_fexit2', 'ws_accept_fexit4'];

for (const [how, refused] of [
  ['by the best program', []],
  ['by the next best', TYPED],
] as const)
  describe(`MPTCP accepts, seen ${how}`, () => {
    const cleanup = new Cleanup();
    let script: TcpScript;
    let worker: TcpScript;
    let watcher: Watcher;

    before(() => {
      const opened = TcpScript.open(cleanup);
      script = opened.script;
      opened.room.sysctl('net/mptcp/enabled', '1');
      worker = TcpScript.start(opened.room);
      cleanup.add(() => worker.stop());
      watcher = new Watcher({}, refused);
      cleanup.add(() => watcher.close());
    });
    after(() => cleanup.run());

    for (const client of ['socket-mptcp', 'socket'] as const)
      test(`whose clients call ${client}`, async () => {
        const { listener, port } = await script.listen('listen-mptcp', BACKLOG);
        const [box, same] = [worker.next(), worker.next()];
        await worker.run('box', box, port);
        await script.run('give', listener, port);
        await worker.run('take', same, box);
        const clients = Array.from({ length: CONNECTIONS }, () => script.next());
        for (const number of clients) {
          await script.run(client, number);
          await script.run('connect', number, port);
        }
        assert.deepEqual(
          passAt(watcher, port).map(({ usage, limit }) => ({ usage, limit })),
          [{ usage: CONNECTIONS, limit: BACKLOG }],
        );
        const servers = clients.map(() => worker.next());
        for (const number of servers) await worker.run('accept', number, same);
        for (const [index, number] of servers.entries()) {
          await script.run('write', clients[index] ?? 0, hex('x'.repeat(BYTES)));
          await worker.run('read', number, BYTES);
        }
        watcher.pass();
        const accepts = listenersAt(watcher, port).reduce((sum, row) => sum + row.accepts, 0);
        assert.equal(accepts, CONNECTIONS);
        for (const number of clients) await script.run('close', number);
        for (const number of servers) await worker.run('close', number);
        const rows = (): object[] =>
          watcher
            .series()
            .filter((row) => row.port === port && row.role === SERVER)
            .map((row) => ({
              pid: row.pid,
              opened: row.sum('opened'),
              received: row.sum('bytes_received'),
              closed: row.sum('closed', PEER_FIN),
            }))
            .filter(({ opened }) => opened > 0);
        const expected = {
          pid: worker.pid,
          opened: CONNECTIONS,
          received: CONNECTIONS * BYTES,
          closed: CONNECTIONS,
        };
        await waitFor('all to close', () => {
          watcher.pass();
          return JSON.stringify(rows()) === JSON.stringify([expected]);
        }).catch(() => assert.deepEqual(rows(), [expected]));
      });
  });
