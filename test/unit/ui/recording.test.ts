/** `wirespan ui` of a recording. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openRecording } from '../../../receiver/agent/open-recording.ts';
import { StopSignals } from '../../../receiver/agent/stop-signals.ts';
import { UI_OPTIONS } from '../../../receiver/agent/ui-options.ts';
import { readForUi } from '../../../receiver/agent/ui-replay.ts';
import type { UiModel } from '../../../receiver/ui/model.ts';
import { connectionsPage } from '../../../receiver/ui/page/connections.ts';
import { mapPage } from '../../../receiver/ui/page/map.ts';
import { renderShell } from '../../../receiver/ui/page/shell.ts';
import { parseViewArguments } from '../../../receiver/views/options.ts';
import { rowsOf } from './made.ts';

const KEPT = join(import.meta.dirname, '..', '..', 'fixtures', 'recordings', 'version-1.wirespan');

async function read(...argv: string[]): Promise<UiModel> {
  const reader = openRecording(KEPT);
  const signals = new StopSignals({ process: new EventEmitter() });
  let model: UiModel | undefined;
  const args = parseViewArguments('ui', UI_OPTIONS, argv);
  await readForUi({ reader, path: 'kept', args }, signals, (each) => (model = each));
  reader.close();
  return model ?? assert.fail();
}

describe('the pages of a recording', () => {
  // Three clients that each sent 27 bytes and were sent 2,000, in one process.
  it('have all connections, long after they ended, with what they moved', async () => {
    const model = await read();
    assert.ok(model.isOver);
    const query = new URLSearchParams({ sort: 'sent' });
    const html = renderShell('', model, connectionsPage(model, query));
    assert.deepEqual(
      rowsOf(html, 'connections').map((row) => [row[3], ...row.slice(-2)].join()),
      [
        ...Array.from({ length: 3 }, () => 'CLOSE,2.0 KiB,27 B'),
        ...Array.from({ length: 3 }, () => 'CLOSE,27 B,2.0 KiB'),
      ],
    );
    assert.match(html, /From the recording kept, as of [^<]*A recording of before has no figures/);
    const map = renderShell('map', model, mapPage(model, new URLSearchParams()));
    assert.deepEqual(
      rowsOf(map, 'links').map((row) => row.slice(3).join()),
      ['3,17 µs,0,5.9 KiB', '3,17 µs,0,5.9 KiB'],
    );
  });

  it('leave out what was not asked for', async () => {
    const of = async (...argv: string[]): Promise<number> => (await read(...argv)).table.connections().length;
    assert.deepEqual([await of('-6'), await of('-4'), await of('-p', '1')], [0, 6, 0]);
  });
});
