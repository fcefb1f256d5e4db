/** More packets than their ring holds: those that find no room are counted, and take none of other records. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { DropStage } from '../support/drop-stage.ts';
import { ALL_SIGNALS } from '../support/watcher.ts';

const ACK = 16;
const CLOSED_PORT = 1;
/** Each is at several points, and so is the reset that answers it: some 60,000 records, where 4 MiB hold 32,000. */
const FLOOD = 7_919;

const cleanup = new Cleanup();
after(() => cleanup.run());

test('a flood of packets loses packets alone, and each that is lost is counted', async () => {
  const stage = await DropStage.open(cleanup, {
    // Not what else there is to tell of such packets: drops and resets.
    emit: ALL_SIGNALS.emit,
    packets: { ports: [CLOSED_PORT], address: '127.0.0.1', reads: false, senders: true },
  });
  const { watcher } = stage;
  stage.send({ sport: 40_000, dport: CLOSED_PORT, flags: ACK, count: FLOOD });
  const pair = await stage.connect();
  await stage.script.run('close', pair.client);
  await stage.script.run('close', pair.server);
  const [sent, lost] = [
    watcher.count('PROBE_PACKET', 'SENT'),
    watcher.count('PROBE_PACKET', 'LOST_RING_FULL'),
  ];
  assert.ok(lost > 0, `${sent} records had room`);
  const packets = watcher.records().filter(({ kind }) => kind === 'packet');
  assert.equal(packets.length, sent);
  assert.equal(watcher.countAll('LOST_RING_FULL'), lost, 'no other record found no room');
  const closed = watcher.connections(stage.room.inode, pair.clientPort).map(({ kind }) => kind);
  assert.ok(closed.includes('close'), closed.join());
  // Once it was read there is room again.
  stage.send({ sport: 40_000, dport: CLOSED_PORT, flags: ACK, count: 1 });
  assert.equal(watcher.count('PROBE_PACKET', 'LOST_RING_FULL'), lost);
  assert.ok(watcher.records().filter(({ kind }) => kind === 'packet').length > packets.length);
});
