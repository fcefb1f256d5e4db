import { enableBpfStats } from '../../../native/index.ts';
import { difference, ProgramReader } from '../../support/kernel-stats.ts';
import { withAgent } from '../agent.ts';
import { requests, type Requests } from '../load.ts';
import { heading, note, row } from '../report.ts';
import type { Scale, Section } from './section.ts';

const WRITE = /^ws_write/;
const ARRIVE = /^ws_arrive/;
const SETTINGS = { OTEL_METRIC_EXPORT_INTERVAL: '60000' };

type Round = () => Promise<Requests>;

/** A way to run the load; each is run in turn. */
interface Way {
  readonly name: string;
  run(round: Round): Promise<Requests[]>;
}

/** What reading the heads of requests costs: keep-alive requests with the agent and without, turn by turn. */
export const http: Section = {
  name: 'http',
  what: 'keep-alive HTTP requests a second and their processor time, with the agent against without',
  async run({ isQuick }: Scale) {
    const count = await requestsFor(isQuick ? 0.3 : 1);
    await compare(waysOf(), isQuick ? 2 : 7, () => requests(count));
    await measurePrograms(isQuick ? 3 : 7, count);
  },
};

function waysOf(): Way[] {
  const agent = (name: string, settings: Record<string, string>): Way => ({
    name,
    run: (round) => withAgent({ ...SETTINGS, ...settings }, async () => [await round(), await round()]),
  });
  return [
    { name: 'without the agent', run: async (round) => [await round(), await round()] },
    agent('with the agent', {}),
    agent('with correlation.http1=off', { WIRESPAN_CORRELATION_HTTP1: 'off' }),
  ];
}

/** Every second turn goes backwards: a drift of the machine's speed hits all alike. */
async function compare(ways: readonly Way[], turns: number, round: Round): Promise<void> {
  const samples = new Map(ways.map((way) => [way, [] as Requests[]]));
  for (let turn = 0; turn < turns; turn += 1)
    for (const way of turn % 2 === 0 ? ways : [...ways].reverse())
      samples.get(way)?.push(...(await way.run(round)));
  const rate = (way: Way): number[] => (samples.get(way) ?? []).map((each) => each.requests / each.seconds);
  const cost = (way: Way): number[] =>
    (samples.get(way) ?? []).map((each) => each.processorUs / each.requests);
  const [base, ...others] = ways;
  if (base === undefined) return;
  heading(`Keep-alive HTTP/1.1 requests, one connection, ${String(turns * 2)} rounds each`);
  for (const way of ways) row(way.name, 'requests a second', rate(way), { digits: 0 });
  for (const way of ways) row(way.name, 'µs of processors a request', cost(way), { digits: 2 });
  for (const way of others)
    row(`${way.name} / without`, '', ratios(rate(way), rate(base)), { digits: 3, aim: '≥ 0.95' });
}

function ratios(above: readonly number[], below: readonly number[]): number[] {
  return above.map((each, i) => each / (below[i] ?? NaN));
}

/** What the programs take for a request and its response, by round, in nanoseconds. */
interface Costs {
  readonly write: number[];
  readonly arrive: number[];
}

/** The programs by `bpf_stats`, which costs itself: never in the same round as a rate. */
async function measurePrograms(rounds: number, count: number): Promise<void> {
  heading('The programs at writes and at arriving segments, both ends, a request and its response');
  for (const isSampled of [false, true]) {
    const what = isSampled ? 'sampled' : 'not sampled';
    const own = await costsOf(rounds, () => requests(count, { isSampled }));
    row(`writes, ${what}`, 'ns', own.write, { digits: 0, aim: '≤ 500' });
    row(`arriving segments, ${what}`, 'ns', own.arrive, { digits: 0 });
  }
  note('a head of 303 bytes; the program of writes also runs at the response, which it leaves alone');
}

async function costsOf(rounds: number, round: Round): Promise<Costs> {
  const stats = enableBpfStats();
  try {
    return await withAgent(SETTINGS, async ({ pid, programs }) => {
      const reader = new ProgramReader(pid, programs);
      const costs: Costs = { write: [], arrive: [] };
      for (let i = 0; i < rounds; i += 1) {
        const before = reader.read();
        const { requests: count } = await round();
        const counts = [...difference(before, reader.read())];
        const sum = (of: RegExp): number =>
          counts.reduce((ns, [name, each]) => ns + (of.test(name) ? each.ns : 0), 0);
        costs.write.push(sum(WRITE) / count);
        costs.arrive.push(sum(ARRIVE) / count);
      }
      return costs;
    });
  } finally {
    stats.close();
  }
}

/** As many as take about this long on this machine. */
async function requestsFor(seconds: number): Promise<number> {
  const probe = await requests(2000);
  return Math.max(1000, Math.round((probe.requests / probe.seconds) * seconds));
}
