import { existsSync } from 'node:fs';
import { enableBpfStats } from '../../../native/index.ts';
import { agentArgs, NODE_OPTIONS } from '../../support/agent.ts';
import { ProgramReader } from '../../support/kernel-stats.ts';
import { start, waitFor, type Started } from '../children.ts';
import { churn, churnAt } from '../load.ts';
import { heading, note, row } from '../report.ts';
import type { Section } from './section.ts';

/** Debian's package `libbpf-tools` has it. */
const ORIGINAL = '/usr/sbin/tcplife';
/** tracefs, for this process alone: where it is not mounted. */
const IN_TRACEFS = `mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; exec stdbuf -oL ${ORIGINAL}`;
const RATE = 1_000;

/** A view beside the tool that it replaces, in turns within one run. */
export const views: Section = {
  name: 'views',
  what: 'BPF time a connection of `wirespan tcplife` and of the original, in turns',
  async run({ isQuick }) {
    if (!existsSync(ORIGINAL)) {
      note(`no ${ORIGINAL}: apt-get install libbpf-tools`);
      return;
    }
    const stats = enableBpfStats();
    try {
      for (const [words, play] of [
        [`${String(RATE)} connections a second`, pacedChurn(isQuick ? 2 : 5)],
        ['as many connections as go', fullChurn(isQuick ? 5_000 : 20_000)],
      ] as const)
        await compare(words, isQuick ? 3 : 10, play);
    } finally {
      stats.close();
    }
  },
};

/** Connections that were played. */
type Play = () => Promise<number>;

const pacedChurn =
  (seconds: number): Play =>
  async () =>
    (await churnAt(RATE, seconds)).connections;
const fullChurn =
  (connections: number): Play =>
  async () =>
    (await churn(connections)).connections;

async function compare(words: string, pairs: number, play: Play): Promise<void> {
  const samples = { ours: [] as number[], original: [] as number[] };
  const startOurs = (): Started => start(process.execPath, agentArgs('tcplife'), NODE_OPTIONS.environment);
  const startOriginal = (): Started => start('unshare', ['--mount', 'sh', '-c', IN_TRACEFS]);
  for (let i = 0; i < pairs; i += 1) {
    samples.ours.push(await nsAConnection(startOurs(), play));
    samples.original.push(await nsAConnection(startOriginal(), play));
  }
  heading(`A connection, both ends here: ${words}`);
  row('wirespan tcplife', 'ns', samples.ours, { digits: 0 });
  row('tcplife of libbpf-tools', 'ns', samples.original, { digits: 0 });
  const ratios = samples.ours.map((ns, i) => ns / (samples.original[i] ?? Number.NaN));
  row('ratio, pair by pair', '', ratios, { aim: '≤ 0.1' });
}

/** BPF time of all its programs while it watches the load. */
async function nsAConnection(tool: Started, play: Play): Promise<number> {
  try {
    await waitFor('the columns of the view', tool, () =>
      tool.output.stdout.includes('PID') ? true : undefined,
    );
    const reader = new ProgramReader(tool.pid, []);
    const total = (): number => [...reader.read().values()].reduce((sum, { ns }) => sum + ns, 0);
    const before = total();
    const connections = await play();
    return (total() - before) / connections;
  } finally {
    tool.child.kill('SIGKILL');
    await tool.ended;
  }
}
