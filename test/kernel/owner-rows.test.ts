/** Rows of `owners`: for processes that are observed, and for no other. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OWNER_KEY } from '../../receiver/decode/generated/layout.ts';
import { Cleanup } from '../support/cleanup.ts';
import { FilterStage } from './rig/filter-stage.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { seenAt, talk } from './rig/talk.ts';

const STORM = 11;

/** Those of these processes that have a row. */
function knownOf({ watcher }: FilterStage, pids: readonly number[]): number[] {
  const { count, keys, keySize } = watcher.source.read('owners');
  const view = new DataView(keys.buffer, keys.byteOffset);
  const rows = new Set(
    Array.from({ length: count }, (_, row) => view.getUint32(row * keySize + OWNER_KEY.pid, true)),
  );
  return pids.filter((pid) => rows.has(pid));
}

/** Processes of one connection each, and the one that accepts them. */
async function storm(stage: FilterStage, room: NetNamespace): Promise<number[]> {
  const acceptor = stage.start(room);
  const at = await acceptor.listen();
  const pids = [acceptor.pid];
  for (let i = 0; i < STORM; i += 1) {
    const client = stage.start(room);
    await talk(client, 1, { acceptor, at: { ...at, isKept: true } });
    await client.stop();
    pids.push(client.pid);
  }
  return pids;
}

for (const [how, refused] of [
  ['fexit or a kprobe', []],
  ['sys_exit', ['ws_accept_fexit2', 'ws_accept_fexit4', 'ws_accept_kprobe']],
] as const)
  describe(`rows of owners, accepts by ${how}`, () => {
    const cleanup = new Cleanup();
    let stage: FilterStage;
    let loud: NetNamespace;

    before(() => {
      stage = new FilterStage(cleanup, {}, refused);
      loud = stage.makeRoom();
    });
    after(() => cleanup.run());

    test('a storm of excluded processes takes none', async () => {
      stage.exclude({ netns: loud.inode });
      assert.deepEqual(knownOf(stage, await storm(stage, loud)), []);
      stage.exclude({ netns: stage.room.inode });
      const pids = await storm(stage, loud);
      assert.deepEqual(knownOf(stage, pids), pids);
    });

    test('each end has one that the filter wants', async () => {
      const [client, acceptor] = [stage.start(loud), stage.start(loud)];
      const at = await acceptor.listen();
      stage.filter([{ local_port: at.port }]);
      await talk(client, 1, { acceptor, at });
      assert.deepEqual(knownOf(stage, [client.pid, acceptor.pid]), [acceptor.pid]);
      const other = stage.start(loud);
      const second = await other.listen();
      stage.filter([{ remote_port: second.port }]);
      await talk(client, 1, { acceptor: other, at: second });
      assert.deepEqual(knownOf(stage, [client.pid]), [client.pid]);
    });

    test('a client whose local port an include names has one, though connect() chose the port', async () => {
      const local = 42_003;
      const [first, second] = [await stage.script.listen(), await stage.script.listen()];
      const [client, stranger] = [stage.start(stage.room), stage.start(stage.room)];
      stage.room.sysctl('net/ipv4/ip_local_port_range', `${local} ${local}`);
      stage.filter([{ local_port: local }]);
      await talk(client, 1, { acceptor: stage.script, at: first });
      assert.equal(seenAt(stage.watcher, first.port).client.opened, 1);
      stage.filter([{ local_port: 7 }]);
      await talk(stranger, 1, { acceptor: stage.script, at: second });
      assert.deepEqual(knownOf(stage, [client.pid, stranger.pid]), [client.pid]);
      stage.room.sysctl('net/ipv4/ip_local_port_range', '32768 60999');
    });

    test('a listener that another filter wants, or none leaves out, brings its process along', async () => {
      stage.exclude({ netns: loud.inode });
      const [one, two] = [stage.start(loud), stage.start(loud)];
      const pids = [one.pid, two.pid];
      const { port } = await one.listen();
      await two.listen();
      assert.deepEqual(knownOf(stage, pids), []);
      stage.filter([{ port }]);
      assert.deepEqual(knownOf(stage, pids), [one.pid]);
      stage.exclude({ netns: loud.inode });
      const three = stage.start(loud);
      await three.listen();
      stage.filter([]);
      assert.deepEqual(knownOf(stage, [three.pid]), [three.pid]);
    });
  });
