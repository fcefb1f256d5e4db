/** Packets of some flows: all of a flow in both directions, or none. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { PacketRecord } from '../../receiver/model/packets.ts';
import { Cleanup } from '../support/cleanup.ts';
import { TcpScript } from '../support/script.ts';
import { Watcher } from '../support/watcher.ts';

const FLOWS = 61;
const SAMPLE = 3;
const BYTES = 10;

const cleanup = new Cleanup();
after(() => cleanup.run());

test('of one in so many flows, both directions of each, with whose they are', async () => {
  const { client, server } = TcpScript.openPair(cleanup);
  const { listener, port } = await server.listen();
  const packets = { ports: [port], address: '127.0.0.1', reads: false };
  const watchers = [SAMPLE, 1].map((sample) => {
    const watcher = new Watcher({ packets: { ...packets, sample, senders: true } });
    cleanup.add(() => watcher.close());
    return watcher;
  });
  const ports: number[] = [];
  for (let i = 0; i < FLOWS; i += 1) {
    const [socket, accepted] = [client.next(), server.next()];
    await client.run('socket', socket);
    ports.push(await client.run('connect', socket, port));
    await server.run('accept', accepted, listener);
    await client.run('fill', socket, BYTES);
    await server.run('read', accepted, BYTES);
    await server.run('fill', accepted, BYTES);
    await client.run('read', socket, BYTES);
  }
  const [sampled, all] = watchers.map((watcher) =>
    watcher.records().filter((record): record is PacketRecord => record.kind === 'packet'),
  );
  assert.ok(sampled && all);
  const ofFlow = (records: readonly PacketRecord[], local: number): PacketRecord[] =>
    records.filter(({ sourcePort, destinationPort }) => sourcePort === local || destinationPort === local);
  /** Data that is given to a device. */
  const sent = (records: readonly PacketRecord[]): (readonly [number, number, number])[] =>
    records
      .filter(({ point, payload }) => point === 'queue' && payload === BYTES)
      .map(({ sourcePort, destinationPort, owner }) => [sourcePort, destinationPort, owner.pid]);
  const chosen = ports.filter((local) => ofFlow(sampled, local).length > 0);
  assert.ok(chosen.length > 0 && chosen.length < FLOWS, `${chosen.length} of ${FLOWS}`);
  for (const local of ports) {
    const both = [
      [local, port, client.pid],
      [port, local, server.pid],
    ];
    assert.deepEqual(sent(ofFlow(all, local)), both);
    assert.deepEqual(sent(ofFlow(sampled, local)), chosen.includes(local) ? both : []);
  }
});
