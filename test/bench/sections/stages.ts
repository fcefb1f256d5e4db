import { enableBpfStats } from '../../../native/index.ts';
import { agentArgs, NODE_OPTIONS } from '../../support/agent.ts';
import { difference, ProgramReader } from '../../support/kernel-stats.ts';
import { withAgent } from '../agent.ts';
import { start, waitFor } from '../children.ts';
import { requests, rounds } from '../load.ts';
import { heading, note, row } from '../report.ts';
import type { Section } from './section.ts';

/** The softirqs of everything else on the machine are in the rest. */
const OF_TRAFFIC = /^ws_(?!softirq)/;
const OF_WAKEUPS = /^ws_wakeup/;
const OF_ZERO_WINDOWS = /^ws_zero_window/;
const OF_PACKETS = /^ws_packet/;
const SETTINGS = { OTEL_METRIC_EXPORT_INTERVAL: '60000' };

/** What is off unless it is asked for: phases of exchanges, wake-ups of readers, zero windows, one packet's way. */
export const stages: Section = {
  name: 'stages',
  what: 'BPF time of phases a request, and a round of wake-ups, of zero windows, and of packets',
  async run({ isQuick }) {
    const stats = enableBpfStats();
    try {
      const [turns, count] = isQuick ? [2, 2_000] : [7, 10_000];
      await measurePhases(turns, count);
      await measureWakeups(turns, count);
      await measureZeroWindows(turns, count);
      await measurePackets(turns, count);
    } finally {
      stats.close();
    }
  },
};

type Play = () => Promise<unknown>;

/** Nanoseconds in the programs of a process that match, for one of `count`. */
async function nsOf(reader: ProgramReader, match: RegExp, count: number, play: Play): Promise<number> {
  const before = reader.read();
  await play();
  const counts = [...difference(before, reader.read())];
  return counts.reduce((sum, [name, { ns }]) => sum + (match.test(name) ? ns : 0), 0) / count;
}

function withSettings(
  settings: Readonly<Record<string, string>>,
  match: RegExp,
  count: number,
  play: Play,
): Promise<number> {
  return withAgent({ ...SETTINGS, ...settings }, async ({ pid, programs }) => {
    const reader = new ProgramReader(pid, programs);
    await play();
    return nsOf(reader, match, count, play);
  });
}

async function measurePhases(turns: number, count: number): Promise<void> {
  const play = (): Promise<unknown> => requests(count, { isSampled: true });
  const [off, on]: [number[], number[]] = [[], []];
  for (let i = 0; i < turns; i += 1) {
    off.push(await withSettings({}, OF_TRAFFIC, count, play));
    on.push(await withSettings({ WIRESPAN_SPANS_EXCHANGE_PHASES: 'on' }, OF_TRAFFIC, count, play));
  }
  heading('A sampled keep-alive request and its response, both ends');
  row('without phases', 'ns', off, { digits: 0 });
  row('with phases', 'ns', on, { digits: 0 });
  const more = on.map((ns, i) => ns - (off[i] ?? Number.NaN));
  row('more with phases, pair by pair', 'ns', more, { digits: 0, aim: '≤ 700' });
}

/** What these programs take of a keep-alive round, in each turn. */
async function nsOfRounds(
  settings: Readonly<Record<string, string>>,
  match: RegExp,
  turns: number,
  count: number,
): Promise<number[]> {
  const samples: number[] = [];
  for (let i = 0; i < turns; i += 1)
    samples.push(await withSettings(settings, match, count, () => rounds(count)));
  return samples;
}

async function measureWakeups(turns: number, count: number): Promise<void> {
  const samples = await nsOfRounds({ WIRESPAN_METRICS_TCP_WAKEUP_DURATION: 'on' }, OF_WAKEUPS, turns, count);
  heading('A keep-alive round: two readers sleep, and are woken');
  row('programs of wake-ups, every switch of tasks in it', 'ns', samples, { digits: 0 });
}

async function measureZeroWindows(turns: number, count: number): Promise<void> {
  const settings = { WIRESPAN_EVENTS_TCP_ZERO_WINDOW: 'on' };
  const samples = await nsOfRounds(settings, OF_ZERO_WINDOWS, turns, count);
  heading('A keep-alive round, of which no window is closed');
  row('the program of zero windows', 'ns', samples, { digits: 0 });
}

async function measurePackets(turns: number, count: number): Promise<void> {
  const samples: number[] = [];
  for (let i = 0; i < turns; i += 1) samples.push(await nsOfPackets(count));
  heading('A keep-alive round over loopback, whose packets `wirespan tcptrace` follows');
  row('programs of packets', 'ns', samples, { digits: 0 });
  for (const sample of [1, 100]) {
    const ofAgent = await nsOfRounds(packetSettings(sample), OF_PACKETS, turns, count);
    row(`the agent, \`packets.sample=${sample}\``, 'ns', ofAgent, { digits: 0 });
  }
  note('two segments with data, and acknowledgements; a record at each point');
}

function packetSettings(sample: number): Readonly<Record<string, string>> {
  return { WIRESPAN_METRICS_PACKET_STAGE_DURATION: 'on', WIRESPAN_PACKETS_SAMPLE: String(sample) };
}

async function nsOfPackets(count: number): Promise<number> {
  const view = start(process.execPath, agentArgs('tcptrace', '-s', '-m', '60000'), NODE_OPTIONS.environment);
  try {
    await waitFor('the columns of the view', view, () => view.output.stdout.includes('SADDR') || undefined);
    const reader = new ProgramReader(view.pid, []);
    return await nsOf(reader, OF_PACKETS, count, () => rounds(count));
  } finally {
    view.child.kill('SIGKILL');
    await view.ended;
  }
}
