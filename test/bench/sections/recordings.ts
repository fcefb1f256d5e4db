import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OwnerTable } from '../../../receiver/decode/owners.ts';
import type { KernelRecord } from '../../../receiver/model/record.ts';
import { RecordingReader } from '../../../receiver/recording/file-reader.ts';
import { Player } from '../../../receiver/recording/player.ts';
import { TapedKernel } from '../../../receiver/recording/taped-kernel.ts';
import { unmarked } from '../../../receiver/recording/for-views.ts';
import { decodeBatch } from '../../../receiver/signals/records.ts';
import { agentArgs, NODE_OPTIONS } from '../../support/agent.ts';
import { start, waitFor } from '../children.ts';
import { churn, hold } from '../load.ts';
import { format, heading, note, row } from '../report.ts';
import type { Section } from './section.ts';

/** A recording of a churn: how many bytes a record takes, and how fast it is read. */
export const recordings: Section = {
  name: 'recordings',
  what: 'a recorded churn: bytes a record, and records a second when it is replayed',
  async run({ isQuick }) {
    const folder = mkdtempSync(join(tmpdir(), 'wirespan-bench-'));
    try {
      const file = join(folder, 'recording');
      await record(file, isQuick ? 10_007 : 100_003);
      const samples = isQuick ? 3 : 7;
      const { records, bytes } = readAll(file, false);
      heading('A recording of a churn');
      row('bytes of the file a record', 'bytes', [statSync(file).size / records], { aim: '≤ 24' });
      row('bytes of records before compression', 'bytes', [bytes / records]);
      const rates = (isDecoded: boolean): number[] =>
        Array.from({ length: samples }, () => {
          const began = process.cpuUsage();
          const read = readAll(file, isDecoded);
          const { user, system } = process.cpuUsage(began);
          return read.records / ((user + system) / 1e6);
        });
      readAll(file, true);
      row('records read from the file', 'a second', rates(false), { digits: 0 });
      row('… and decoded', 'a second', rates(true), { digits: 0, aim: '≥ 1,000,000' });
      await measureLiving(join(folder, 'living'), isQuick ? 1_000 : 10_000);
      note(`${format(records, 0)} records; for each second of processor time of all threads`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** What figures of living connections take, of which `top` and `tcptop` are made: all are told when it begins. */
async function measureLiving(file: string, pairs: number): Promise<void> {
  const held = await hold(pairs);
  try {
    await record(file, 1);
  } finally {
    await held.release();
  }
  let living = 0;
  readAll(file, true, ({ kind }) => (living += kind === 'live' ? 1 : 0));
  row('bytes of the file a living connection', 'bytes', [statSync(file).size / living]);
  note(
    `${format(living, 0)} connections that lived when the recording began, all else that the file has included`,
  );
}

async function record(file: string, connections: number): Promise<void> {
  const words = agentArgs('record', file, '--for', '10m', '--max-size', '1GB');
  const recording = start(process.execPath, words, NODE_OPTIONS.environment);
  try {
    await waitFor('the recording', recording, () => recording.output.stderr.includes('Ctrl-C') || undefined);
    await churn(connections);
    recording.child.kill('SIGINT');
    await recording.ended;
  } finally {
    recording.child.kill('SIGKILL');
  }
}

/** Everything that it holds, once; every record has a header of its own length. */
function readAll(
  file: string,
  isDecoded: boolean,
  handle?: (record: KernelRecord) => void,
): { records: number; bytes: number } {
  const reader = new RecordingReader(file);
  const player = new Player(reader);
  const kernel = new TapedKernel(player);
  const owners = new OwnerTable(65_536, (key, info) => kernel.lookup('owners', key, info));
  const counters = { decoded: 0, bad: 0 };
  let bytes = 0;
  while (player.step() !== undefined)
    player.drainAll((batch) => {
      bytes += batch.length;
      if (isDecoded)
        decodeBatch(handle ? unmarked(batch) : batch, owners, counters, handle ?? (() => undefined));
    });
  reader.close();
  return { records: reader.end?.seen ?? counters.decoded, bytes };
}
