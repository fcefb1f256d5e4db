import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../../../config/index.ts';
import { monotonicToRealtime } from '../../../native/index.ts';
import { kernelOptionsOf } from '../../../receiver/settings/kernel.ts';
import { KernelSource } from '../../../receiver/source/kernel-source.ts';
import { withAgent } from '../agent.ts';
import { hold, type Held } from '../load.ts';
import { readCpu, readRssMb } from '../proc-stats.ts';
import { format, heading, note, row } from '../report.ts';
import type { Scale, Section } from './section.ts';

const AIM_CONNECTIONS = 100_000;
/** 50,000 sockets here, each of which is a connection to the agent. */
const FIRST_CONNECTIONS = 25_000;
const INTERVAL_MS = 2000;

/** Many connections that live: memory of the agent, and one walk over all of them. */
export const live: Section = {
  name: 'live',
  what: 'memory with 50,000 live sockets and with up to 100,000 live connections, one pass over each',
  async run({ isQuick }: Scale) {
    heading('Live connections, both ends here');
    for (const asked of isQuick ? [FIRST_CONNECTIONS] : [FIRST_CONNECTIONS, AIM_CONNECTIONS]) {
      const held = await withAgent({ OTEL_METRIC_EXPORT_INTERVAL: String(INTERVAL_MS) }, (agent) =>
        measureMemory(agent.pid, asked),
      );
      try {
        await measurePass(held, isQuick ? 3 : 7);
      } finally {
        await held.release();
      }
    }
  },
};

async function measureMemory(pid: number, asked: number): Promise<Held> {
  await sleep(INTERVAL_MS * 2);
  const before = readRssMb(pid);
  const held = await hold(asked);
  const during = await sampleRss(pid, 4);
  const { connections } = held;
  note(
    `${format(connections, 0)} connections (${format(2 * connections, 0)} sockets) in ${format(held.seconds, 1)} s`,
  );
  row('resident memory before', 'MB', [before], { digits: 1 });
  row(`resident memory with ${format(connections, 0)}`, 'MB', during, { digits: 1, aim: '≤ 120' });
  if (asked === AIM_CONNECTIONS && connections < asked) {
    const at = during.map((rss) => before + ((rss - before) * AIM_CONNECTIONS) / connections);
    row(`extrapolated to ${format(AIM_CONNECTIONS, 0)}`, 'MB', at, { digits: 1, aim: '≤ 120' });
  }
  const cpu = readCpu(pid).totalMs;
  await sleep(INTERVAL_MS * 2);
  row('processor time of one collection then', 'ms', [(readCpu(pid).totalMs - cpu) / 2], { digits: 1 });
  return held;
}

async function sampleRss(pid: number, count: number): Promise<number[]> {
  const samples: number[] = [];
  for (let i = 0; i < count; i += 1) {
    await sleep(INTERVAL_MS / 2);
    samples.push(readRssMb(pid));
  }
  return samples;
}

/** The kernel side alone, in this process: start with all of them there, then pass after pass. */
async function measurePass({ connections }: Held, count: number): Promise<void> {
  const config = loadConfig({ argv: [], env: {}, readFile: () => '' });
  const began = performance.now();
  const source = KernelSource.start(kernelOptionsOf(config));
  const startMs = performance.now() - began;
  try {
    const times: number[] = [];
    for (let i = 0; i < count; i += 1) {
      const from = performance.now();
      source.pass(monotonicToRealtime().monotonicNs);
      times.push(performance.now() - from);
    }
    const sockets = format(2 * connections, 0);
    row(`one pass over ${sockets} sockets (${source.plan.iterators.pass.join(', ')})`, 'ms', times, {
      digits: 1,
    });
    row(
      '… for each socket',
      'ns',
      times.map((ms) => (ms * 1e6) / (2 * connections)),
      { digits: 0 },
    );
    note(
      `programs loaded and ${format(source.metAtStart(), 0)} sockets found at start: ${format(startMs, 0)} ms`,
    );
  } finally {
    source.close();
  }
}
