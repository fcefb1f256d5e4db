import { join } from 'node:path';
import { projectFolder } from '../../backends/place.ts';
import { readCpu } from '../proc-stats.ts';
import { start } from '../children.ts';
import { heading, note, row } from '../report.ts';
import type { Section } from './section.ts';

const VIEWS = ['tcpconnect', 'tcplife', 'tcpretrans', 'tcpdrop', 'softirqs'];
const WITHIN_MS = 60_000;

/** From the command to the line that says that a view watches: its programs are attached then. */
export const starts: Section = {
  name: 'starts',
  what: 'how long views take from the command until they watch, and their processor time until then',
  async run({ isQuick }) {
    heading('From the command until it watches');
    for (const view of VIEWS) {
      // What is compiled once is kept for the runs that follow.
      await measure(view);
      const samples: Start[] = [];
      for (let i = 0; i < (isQuick ? 3 : 10); i += 1) samples.push(await measure(view));
      const times = samples.map(({ ms }) => ms);
      row(`wirespan ${view}`, 'ms', times, { digits: 0, aim: '≤ 1,000' });
      row(
        '… of the processor',
        'ms',
        samples.map(({ cpuMs }) => cpuMs),
        { digits: 0 },
      );
    }
    note('bin/wirespan of this checkout, built; the first run of each is not counted');
  },
};

interface Start {
  readonly ms: number;
  readonly cpuMs: number;
}

async function measure(view: string): Promise<Start> {
  const began = performance.now();
  const tool = start(join(projectFolder, 'bin', 'wirespan'), [view]);
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${view} does not watch`)), WITHIN_MS);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      tool.child.stdout?.once('data', done);
      tool.child.stderr?.once('data', done);
      tool.child.once('close', () => reject(new Error(`${view} ended: ${tool.output.stderr.trim()}`)));
    });
    return { ms: performance.now() - began, cpuMs: readCpu(tool.pid).totalMs };
  } finally {
    tool.child.kill('SIGKILL');
    await tool.ended;
  }
}
