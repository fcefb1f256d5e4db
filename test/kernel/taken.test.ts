/** Packets that the kernel took, and freed with a reason: none is a loss. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { DropStage, gained } from '../support/drop-stage.ts';
import { hex } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { LossMark, TWICE } from './rig/losses.ts';

const SYN = 2;
const MEGABYTE = 1 << 20;

describe('what the kernel takes is not dropped', () => {
  const cleanup = new Cleanup();
  let stage: DropStage;

  before(async () => {
    stage = await DropStage.open(cleanup);
  });
  after(() => cleanup.run());

  /** Drops that a scene shows, by reason, in its events and in the sums of its process. */
  async function dropsOf(play: () => Promise<void>): Promise<Record<string, number>> {
    const [mark, before] = [new LossMark(stage), stage.sums(stage.script.pid)];
    await play();
    const events = mark.drops;
    assert.ok(
      mark.losses.every((count) => count === 0),
      mark.losses.join(),
    );
    for (const [name, count] of Object.entries(gained(before, stage.sums(stage.script.pid))))
      assert.ok(TWICE.includes(name) || count <= (events[name] ?? 0), `${name} has an event for each`);
    return events;
  }

  async function eachOf(
    count: number,
    play: (pair: Awaited<ReturnType<DropStage['connect']>>) => Promise<void>,
  ): Promise<void> {
    for (let i = 0; i < count; i += 1) await play(await stage.connect());
  }

  test('acknowledgements of a download whose client said that it has nothing more to say', async () => {
    const { script } = stage;
    const drops = await dropsOf(() =>
      eachOf(3, async ({ client, server }) => {
        await script.run('shutdown', client);
        await script.run('stream', server, client, 8 * MEGABYTE);
        await script.run('close', server);
        await script.run('close', client);
      }),
    );
    assert.deepEqual(drops, {});
  });

  test('ordinary closes: the FIN of the end that closes last', async () => {
    const { script } = stage;
    const drops = await dropsOf(() =>
      eachOf(20, async ({ client, server }) => {
        await script.run('write', client, hex('bye'));
        await script.run('read', server, 3);
        await script.run('close', client);
        await script.run('close', server);
      }),
    );
    assert.deepEqual(drops, {});
  });

  test('a FIN that nobody read goes with its socket', async () => {
    const { script } = stage;
    const drops = await dropsOf(() =>
      eachOf(7, async ({ client, server }) => {
        await script.run('shutdown', server);
        await script.run('close', client);
        await script.run('close', server);
      }),
    );
    assert.deepEqual(drops, {});
  });

  test('resets of either end', async () => {
    const { script } = stage;
    const drops = await dropsOf(async () => {
      await eachOf(5, async ({ client, server }) => {
        await script.run('reset', client);
        await script.run('close', server);
      });
      await eachOf(5, async ({ client, server }) => {
        await script.run('reset', server);
        await script.run('close', client);
      });
    });
    assert.deepEqual(drops, {});
  });

  test('keepalive probes, and their answers', async () => {
    const { script, room } = stage;
    const drops = await dropsOf(() =>
      eachOf(1, async ({ client, server }) => {
        for (const end of [client, server]) {
          await script.run('option', end, 'keepidle', 1);
          await script.run('option', end, 'keepintvl', 1);
          await script.run('option', end, 'keepalive', 1);
        }
        const start = room.counter('TcpExtTCPKeepAlive');
        await waitFor('probes', () => room.counter('TcpExtTCPKeepAlive') >= start + 3);
        await script.run('close', client);
        await script.run('close', server);
      }),
    );
    assert.deepEqual(drops, {});
  });

  test('probes of a window that is closed', async () => {
    const { script, room } = stage;
    const { listener, port } = await script.listen();
    await script.run('buffers', listener, 4096, 4096);
    const drops = await dropsOf(async () => {
      const { client, server } = await stage.connect(port, listener);
      await script.run('buffers', client, 4096, 4096);
      const start = room.counter('TcpExtTCPWinProbe');
      let written = 0;
      for (;;) {
        const more = await script.run('try', client, '78'.repeat(1024)).catch(() => 0);
        if (more === 0) break;
        written += more;
      }
      await waitFor('probes', () => room.counter('TcpExtTCPWinProbe') >= start + 3);
      await script.run('read', server, written);
      await script.run('close', client);
      await script.run('close', server);
    });
    assert.deepEqual(drops, {});
  });

  test('the bare last step of a handshake whose accept is deferred', async () => {
    const { script } = stage;
    const { listener, port } = await script.listen();
    await script.run('option', listener, 'defer-accept', 5);
    const drops = await dropsOf(async () => {
      for (let i = 0; i < 7; i += 1) {
        const [client, server] = [script.next(), script.next()];
        await script.run('socket', client);
        await script.run('connect', client, port);
        await script.run('write', client, '61');
        await script.run('accept', server, listener);
        await script.run('close', client);
        await script.run('close', server);
      }
    });
    assert.deepEqual(drops, {});
  });

  test('a handshake whose accept is deferred, and whose client says nothing', async () => {
    const { script } = stage;
    const { listener, port } = await script.listen();
    await script.run('option', listener, 'defer-accept', 1);
    const drops = await dropsOf(async () => {
      const [client, server] = [script.next(), script.next()];
      await script.run('socket', client);
      await script.run('connect', client, port);
      await script.run('accept', server, listener);
      await script.run('close', client);
      await script.run('close', server);
    });
    assert.deepEqual(drops, {});
  });

  test('the RST of a client that only asked who listens', async () => {
    const drops = await dropsOf(async () => {
      const { port } = await stage.script.listen();
      stage.send({ sport: 10_000, dport: port, flags: SYN, count: 11, step: 1 });
    });
    // The SYN-ACKs came to nobody: the SYNs are not of a socket.
    assert.deepEqual(drops, { no_socket: 11 });
  });

  test('the ICMP answer to a connection that is refused', async () => {
    const { script, room } = stage;
    const { port } = await script.listen();
    room.filter(`tcp dport ${port} reject`);
    const start = room.counter('TcpExtTCPSynRetrans');
    const drops = await dropsOf(async () => {
      for (let i = 0; i < 2; i += 1) {
        const client = script.next();
        await script.run('socket', client);
        await assert.rejects(script.run('connect', client, port));
        await script.run('close', client);
      }
    });
    room.filter();
    // A first answer that meets the client inside connect() is not told to it: a second SYN asks again.
    assert.deepEqual(drops, { netfilter_drop: 2 + room.counter('TcpExtTCPSynRetrans') - start });
  });
});
