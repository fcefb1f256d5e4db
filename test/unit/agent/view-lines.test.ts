import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ViewLines } from '../../../receiver/agent/view-lines.ts';
import { Output } from '../../../receiver/cli/output.ts';
import { OwnerTable } from '../../../receiver/decode/owners.ts';
import { parseViewArguments } from '../../../receiver/views/options.ts';

it('what a view says at its end may go to the same file as its lines: none of them is missing', async () => {
  let text = '';
  // A file's bytes are taken by another thread, a moment later.
  const output = new Output({
    holdsThread: true,
    write: (bytes, taken) => {
      text += Buffer.from(bytes).toString();
      setImmediate(() => taken(undefined, bytes.length));
    },
  });
  const lines = new ViewLines({
    view: {
      name: 'tcptrace',
      summary: '',
      example: ['', ''],
      options: [],
      needs: () => ({ events: [], probes: [] }),
      start: () => ({ header: 'LINE', row: () => undefined, notes: () => ['one was slow'] }),
    },
    args: parseViewArguments('tcptrace', [], []),
    tools: {
      names: {} as never,
      toUnixNs: (ns) => ns,
      maxRemembered: 16,
      isTerminal: false,
      loads: () => [],
    },
    owners: new OwnerTable(16, () => false),
    outputs: {
      stdout: output,
      stderr: output,
      isTerminal: { stdout: false, stderr: false },
      isKept: true,
      isWatched: false,
    },
  });
  lines.header();
  assert.equal(await lines.end(), 0);
  await output.drain();
  assert.equal(text, 'LINE\nwirespan tcptrace: one was slow\n');
});
