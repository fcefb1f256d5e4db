import { enableBpfStats } from '../../../native/index.ts';
import { withAgent, type Agent } from '../agent.ts';
import { difference, ProgramReader, type ProgramCounts } from '../../support/kernel-stats.ts';
import { bulk, churn, churnFor, lose, refuse, rounds } from '../load.ts';
import { format, heading, note, row } from '../report.ts';
import type { Scale, Section } from './section.ts';

const LIFECYCLE = /^ws_(state|accept|retransmit)/;
const ALL = /^ws_/;
const WRITE = /^ws_write/;
const BULK_BYTES = 100_000_000;

type Measure = (work: () => Promise<unknown>) => Promise<ProgramCounts>;

/** What the programs cost in the kernel, by its own `bpf_stats`, with the default settings. */
export const programs: Section = {
  name: 'programs',
  what: 'BPF time for each connection, keep-alive round, segment, retransmission and drop',
  async run(scale) {
    const stats = enableBpfStats();
    try {
      await withAgent({}, (agent) => measureAll(agent, scale));
    } finally {
      stats.close();
    }
  },
};

async function measureAll(agent: Agent, scale: Scale): Promise<void> {
  const reader = new ProgramReader(agent.pid, agent.programs);
  const measure: Measure = async (work) => {
    const before = reader.read();
    await work();
    return difference(before, reader.read());
  };
  await measureConnections(measure, agent, scale);
  await measureRounds(measure, scale);
  await measureSegments(measure);
  await measureTrouble(measure, scale);
}

async function repeat(count: number, measure: () => Promise<ProgramCounts>): Promise<ProgramCounts[]> {
  const samples: ProgramCounts[] = [];
  for (let i = 0; i < count; i += 1) samples.push(await measure());
  return samples;
}

/** Nanoseconds in the programs that match, of each sample, for one of `units`. */
function nsPer(samples: readonly ProgramCounts[], match: RegExp, units: number): number[] {
  return samples.map((counts) => {
    const matching = [...counts].filter(([name]) => match.test(name));
    return matching.reduce((sum, [, { ns }]) => sum + ns, 0) / units;
  });
}

async function measureConnections(measure: Measure, agent: Agent, { isQuick }: Scale): Promise<void> {
  const connections = await churnFor(isQuick ? 0.4 : 1);
  const samples = await repeat(isQuick ? 3 : 7, () => measure(() => churn(connections)));
  heading(`A connection: connect, 128 B each way, close; both ends here (accept program: ${agent.accept})`);
  const options = { digits: 0 };
  row('lifecycle: state, accept, retransmit', 'ns', nsPer(samples, LIFECYCLE, connections), {
    ...options,
    aim: '≤ 5,000',
  });
  row('whole default set', 'ns', nsPer(samples, ALL, connections), { ...options, aim: '≤ 7,000' });
  noteRuns(samples.at(-1), connections, 'connection');
}

async function measureRounds(measure: Measure, { isQuick }: Scale): Promise<void> {
  const count = isQuick ? 5000 : 20_000;
  const samples = await repeat(isQuick ? 3 : 5, () => measure(() => rounds(count)));
  heading('A keep-alive round: 128 B each way on an open connection');
  row('lifecycle', 'ns', nsPer(samples, LIFECYCLE, count), { digits: 0 });
  row('whole default set', 'ns', nsPer(samples, ALL, count), { digits: 0 });
  noteRuns(samples.at(-1), count, 'round');
}

async function measureSegments(measure: Measure): Promise<void> {
  let sent = { bytes: 0, writes: 0, segments: 0 };
  const counts = await measure(async () => {
    sent = await bulk(BULK_BYTES);
  });
  const { writes, segments } = sent;
  heading(`${format(BULK_BYTES / 1e6, 0)} MB on one connection that carries no traceparent`);
  row('whole default set', 'ns per segment', nsPer([counts], ALL, segments), { digits: 1 });
  note(
    `${format(writes, 0)} writes of 64 KiB, ${format(segments, 0)} segments of both directions; runs of each program:`,
  );
  for (const [name, { runs }] of byRuns(counts)) {
    const perWrite = WRITE.test(name) ? `, ${format(runs / writes)} a write` : '';
    note(
      `  ${name.padEnd(24)} ${format(runs, 0).padStart(9)}, ${format(runs / segments, 4)} a segment${perWrite}`,
    );
  }
}

async function measureTrouble(measure: Measure, { isQuick }: Scale): Promise<void> {
  const count = isQuick ? 200 : 1000;
  const refused = await repeat(3, () => measure(() => refuse(count)));
  const lost = await measure(() => lose(count));
  heading('What goes wrong');
  row('refused attempt, whole default set', 'ns', nsPer(refused, ALL, count), { digits: 0 });
  rowPerRun('drop program', refused, /^ws_drop$/);
  rowPerRun('retransmission (of a SYN)', [lost], /^ws_retransmit$/);
  rowPerRun('softirq entry + exit', refused, /^ws_softirq/, 2);
}

/** The mean of a run, or of `runs` runs that belong together. */
function rowPerRun(label: string, samples: readonly ProgramCounts[], match: RegExp, runsEach = 1): void {
  const means = samples.map((counts) => {
    const matching = [...counts].filter(([name]) => match.test(name)).map(([, count]) => count);
    const sum = (key: 'ns' | 'runs'): number => matching.reduce((total, count) => total + count[key], 0);
    return (sum('ns') / Math.max(1, sum('runs'))) * runsEach;
  });
  row(label, 'ns a run', means, { digits: 0 });
}

function noteRuns(counts: ProgramCounts | undefined, units: number, unit: string): void {
  if (counts === undefined) return;
  note(`of the last sample, by program (runs a ${unit} × ns a run):`);
  for (const [name, { runs, ns }] of [...byRuns(counts)].sort(([, a], [, b]) => b.ns - a.ns))
    note(
      `  ${name.padEnd(24)} ${format(ns / units, 0).padStart(7)} ns = ${format(runs / units)} × ${format(ns / runs, 0)}`,
    );
}

/** Programs that ran. */
function byRuns(counts: ProgramCounts): [string, { runs: number; ns: number }][] {
  return [...counts].filter(([, { runs }]) => runs > 0).sort(([, a], [, b]) => b.runs - a.runs);
}
