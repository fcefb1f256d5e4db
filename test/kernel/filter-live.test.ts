/** What a filter does to what it was not made for: passed listeners, older and live connections, packets. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DROP_KEY, RESET_KEY } from '../../receiver/decode/generated/layout.ts';
import { kernelFilterOf } from '../../receiver/settings/filter.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { FilterStage, hierarchies, NONE, OLD_LISTENER } from './rig/filter-stage.ts';
import { hex, type TcpScript } from '../support/script.ts';
import { A_LISTENER, all, PAYLOAD, seenAt, talk } from './rig/talk.ts';
import { Watcher } from '../support/watcher.ts';

describe('filters and what is there already', () => {
  const cleanup = new Cleanup();
  let stage: FilterStage;
  let script: TcpScript;

  before(() => {
    stage = new FilterStage(cleanup);
    script = stage.script;
  });
  after(() => cleanup.run());

  test('the process that accepts decides, not the one that listens', async () => {
    const program = join(import.meta.dirname, 'rig', 'handed-server.ts');
    const args = ['netns', 'exec', stage.room.name, process.execPath, program];
    const server = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    // Its child ends with it only so.
    cleanup.add(() => server.stdin.end());
    let text = '';
    server.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    stage.filter([]);
    await waitFor('the server to listen', () => text.endsWith('\n'));
    const { port, child } = JSON.parse(text) as { port: number; child: number };
    const ask = async (): Promise<void> => {
      const client = script.next();
      await script.run('socket', client);
      await script.run('connect', client, port);
      await script.run('write', client, hex(PAYLOAD));
      await script.run('read', client, PAYLOAD.length);
      await script.run('close', client);
    };
    stage.filter([{ pid: child }]);
    for (let i = 0; i < 5; i += 1) await ask();
    await waitFor('the server to close', () => seenAt(stage.watcher, port).server.records === 10);
    // The listener is of who accepts from it, so its figures are wanted too; its start was another's.
    const listener = { ...OLD_LISTENER, rows: 1 };
    assert.deepEqual(seenAt(stage.watcher, port), { ...NONE, server: all(5), listener });
    stage.exclude({ pid: child });
    for (let i = 0; i < 3; i += 1) await ask();
    await waitFor('the clients to close', () => seenAt(stage.watcher, port).client.records === 6);
    const { client, server: ours } = seenAt(stage.watcher, port);
    assert.deepEqual({ client, server: ours }, { client: all(3), server: all(5) });
    server.stdin.end();
  });

  test('resets and drops of what is left out are not counted', async () => {
    const provoke = async (by: TcpScript): Promise<void> => {
      const { listener, port } = await by.listen();
      const [client, server] = [by.next(), by.next()];
      await by.run('socket', client);
      await by.run('connect', client, port);
      await by.run('accept', server, listener);
      // On its way out a segment has its socket.
      const chain = '{ type filter hook output priority 0; }';
      const rule = `tcp dport ${port} drop`;
      stage.room.exec('nft', `add table inet t; add chain inet t o ${chain}; add rule inet t o ${rule}`);
      await by.run('write', client, hex(PAYLOAD));
      stage.room.exec('nft', 'flush ruleset');
      await by.run('reset', client);
      await by.run('close', server);
      await by.run('close', listener);
    };
    const countOf = (map: 'resets' | 'drops', owner: number, pid: number): number => {
      const { count, keys, values, keySize, stride } = stage.watcher.source.read(map);
      const [key, value] = [new DataView(keys.buffer), new DataView(values.buffer)];
      let sum = 0;
      for (let row = 0; row < count; row += 1)
        if (key.getUint32(row * keySize + owner + 8, true) === pid)
          sum += Number(value.getBigUint64(row * stride, true));
      return sum;
    };
    const counts = (pid: number): number[] => [
      countOf('resets', RESET_KEY.owner, pid),
      countOf('drops', DROP_KEY.owner, pid),
    ];
    const other = stage.start(stage.room);
    stage.exclude({ pid: script.pid });
    const before = { script: counts(script.pid), other: counts(other.pid) };
    await provoke(script);
    await provoke(other);
    assert.deepEqual(counts(script.pid), before.script);
    const [resets = 0, drops = 0] = counts(other.pid);
    // Sent and received.
    assert.equal(resets - (before.other[0] ?? 0), 2);
    assert.ok(drops > (before.other[1] ?? 0), 'the packet filter dropped nothing');
  });

  test('what is older than the agent', async () => {
    const at = await script.listen();
    const [client, server] = [script.next(), script.next()];
    await script.run('socket', client);
    await script.run('connect', client, at.port);
    await script.run('accept', server, at.listener);
    const rules = kernelFilterOf({ include: [], exclude: [{ pid: script.pid }] }, hierarchies);
    const late = new Watcher({ filter: rules });
    const open = new Watcher();
    for (const each of [late, open]) cleanup.add(() => each.close());
    await script.run('write', client, hex(PAYLOAD));
    await script.run('read', server, PAYLOAD.length);
    await script.run('close', client);
    await script.run('close', server);
    await script.run('close', at.listener);
    for (const each of [late, open]) each.pass();
    const sums = (each: Watcher): number => seenAt(each, at.port).client.bytes;
    assert.deepEqual([sums(late), sums(open)], [0, PAYLOAD.length]);
    assert.deepEqual(seenAt(late, at.port), NONE);
  });

  test('a live connection keeps its sums, and is left from a reload on', async () => {
    stage.filter([]);
    const { listener, port } = await script.listen();
    const [client, server] = [script.next(), script.next()];
    await script.run('socket', client);
    await script.run('connect', client, port);
    await script.run('accept', server, listener);
    const send = async (): Promise<void> => {
      await script.run('write', client, hex(PAYLOAD));
      await script.run('read', server, PAYLOAD.length);
      await waitFor('the acknowledgement', async () => (await script.run('unacked', client)) === 0);
    };
    const seen = { opened: 1, bytes: PAYLOAD.length };
    await send();
    stage.watcher.pass();
    stage.exclude({ pid: script.pid });
    await send();
    stage.watcher.pass();
    // Included again: its beginning is not known any more; what begins now is seen, its listener too.
    stage.filter([{ pid: script.pid }]);
    await send();
    stage.watcher.pass();
    await script.run('close', client);
    await script.run('close', server);
    // `open` and `accept` only.
    assert.deepEqual(seenAt(stage.watcher, port).client, { ...seen, records: 1 });
    assert.deepEqual(seenAt(stage.watcher, port).server, { ...seen, records: 1 });
    await talk(script, 3, { at: { listener, port } });
    assert.deepEqual(seenAt(stage.watcher, port).client, {
      opened: 4,
      bytes: 4 * PAYLOAD.length,
      records: 7,
    });
    assert.deepEqual(seenAt(stage.watcher, port).listener, A_LISTENER);
    assert.equal(stage.watcher.needlessRepairs(), 0);
  });
});
