/** Recordings of each version of the format, kept: this version reads them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { OwnerTable } from '../../../receiver/decode/owners.ts';
import type { ConnectionRecord } from '../../../receiver/model/record.ts';
import { RecordingReader } from '../../../receiver/recording/file-reader.ts';
import { unreadableLayout } from '../../../receiver/recording/layouts.ts';
import { Player } from '../../../receiver/recording/player.ts';
import { TapedKernel } from '../../../receiver/recording/taped-kernel.ts';
import { TapedMachine } from '../../../receiver/recording/taped-machine.ts';
import { decodeBatch } from '../../../receiver/signals/records.ts';

const folder = join(import.meta.dirname, '..', '..', 'fixtures', 'recordings');
/** Three clients that each sent 27 bytes and were sent 2,000, in one process. */
const CLOSES = 6;

describe('a recording of version 1', () => {
  it('has the records, the rows and the answers that it was made with', () => {
    const reader = new RecordingReader(join(folder, 'version-1.wirespan'));
    const { meta } = reader;
    assert.deepEqual([meta.areAddressesMasked, meta.kernel], [true, '6.18.0']);
    assert.equal(
      unreadableLayout(meta.layouts),
      undefined,
      'what lies otherwise by now has to be translated in receiver/recording/layouts.ts',
    );
    const player = new Player(reader);
    const kernel = new TapedKernel(player);
    const owners = new OwnerTable(64, (key, info) => kernel.lookup('owners', key, info));
    const closes: ConnectionRecord[] = [];
    const counters = { decoded: 0, bad: 0 };
    let steps = 0;
    let rows = 0;
    for (let step = player.step(); step !== undefined; step = player.step()) {
      steps += 1;
      if (step.name === 'start') {
        assert.equal(new TapedMachine(player).facts('').hostName, 'host');
        continue;
      }
      player.drainAll((bytes) =>
        decodeBatch(bytes, owners, counters, (record) => {
          if (record.kind === 'close') closes.push(record);
        }),
      );
      rows = Math.max(rows, kernel.read('series').count);
    }
    reader.close();
    assert.deepEqual([reader.problem, reader.end?.reason, counters.bad], [undefined, 'asked', 0]);
    assert.equal(counters.decoded, reader.end?.seen);
    assert.equal(closes.length, CLOSES);
    const clients = closes.filter(({ role }) => role === 'client');
    assert.deepEqual(
      clients.map(({ bytesSent, bytesReceived, owner }) => [bytesSent, bytesReceived, owner.command]),
      Array.from({ length: CLOSES / 2 }, () => [27n, 2000n, 'python3']),
    );
    // It is older than this.
    assert.ok(closes.every(({ uid }) => uid === undefined));
    // The host's row for what finds no other, and one for each end.
    assert.equal(rows, 3);
    assert.ok(steps > 10, String(steps));
  });
});
