import { setTimeout as sleep } from 'node:timers/promises';
import { withAgent, type Agent } from '../agent.ts';
import { churn, churnAt, churnFor } from '../load.ts';
import { countTimeWait, readCpu, readRssMb, readSleeps, type CpuTime } from '../proc-stats.ts';
import { heading, median, note, format, row } from '../report.ts';
import type { Scale, Section } from './section.ts';

const DEFAULT_INTERVAL_S = 60;
const FAST_INTERVAL_S = 1;
const CPU_UNIT = 10_000;
const RATES = [1_000, 10_000] as const;

/** What one stretch of time cost the agent. */
export interface Stretch {
  readonly seconds: number;
  readonly cpu: CpuTime;
  /** Voluntary sleeps of the main thread. */
  readonly sleeps: number;
}

/** Measures the agent while `work` goes on. */
export async function measureStretch(pid: number, work: () => Promise<unknown>): Promise<Stretch> {
  const before = { cpu: readCpu(pid), sleeps: readSleeps(pid), at: performance.now() };
  await work();
  const after = { cpu: readCpu(pid), sleeps: readSleeps(pid), at: performance.now() };
  return {
    seconds: (after.at - before.at) / 1000,
    cpu: {
      totalMs: after.cpu.totalMs - before.cpu.totalMs,
      userMs: after.cpu.userMs - before.cpu.userMs,
    },
    sleeps: after.sleeps - before.sleeps,
  };
}

/** The agent's processor time and wake-ups, under load and at rest, with the default settings. */
export const agentCpu: Section = {
  name: 'cpu',
  what: "the agent's processor time and wake-ups, under load and idle, default settings",
  async run(scale) {
    heading('The agent, default settings');
    const base = await withAgent({}, (agent) => measureIdle(agent.pid, scale));
    const often = { OTEL_METRIC_EXPORT_INTERVAL: String(FAST_INTERVAL_S * 1000) };
    await withAgent(often, (agent) => measureCollections(agent.pid, base, scale));
    for (const rate of RATES) await withAgent({}, (agent) => measureRate(agent.pid, rate, scale));
    await withAgent({}, (agent) => measureLoad(agent, scale));
  },
};

/** Returns the idle share without collections, % of a core. */
async function measureIdle(pid: number, { isQuick }: Scale): Promise<number> {
  const idle = await repeatStretch(isQuick ? 2 : 3, pid, () => sleep(isQuick ? 3000 : 8000));
  const share = idle.map(({ cpu, seconds }) => cpu.totalMs / seconds / 10);
  row('idle, without collections', '% of a core', share, { digits: 3 });
  row('idle: sleeps of the main thread', 'a second', perSecond(idle), { digits: 1 });
  return median(share);
}

/** Between two agents that differ in the interval alone: what one collection costs. */
async function measureCollections(pid: number, base: number, { isQuick }: Scale): Promise<void> {
  const idle = await repeatStretch(isQuick ? 2 : 3, pid, () => sleep(isQuick ? 3000 : 6000));
  const costs = idle.map(({ cpu, seconds }) => (cpu.totalMs / seconds - base * 10) * FAST_INTERVAL_S);
  row('one collection: pass, sums, export', 'ms', costs, { digits: 2 });
  note(`sockets in TIME_WAIT then: ${format(countTimeWait(), 0)}`);
  const whole = costs.map((ms) => base + ms / DEFAULT_INTERVAL_S / 10);
  row('idle, one collection a minute', '% of a core', whole, { digits: 3, aim: '≤ 0.3' });
}

/** A steady rate of new connections, without a collection: those cost what the rows above say. */
async function measureRate(pid: number, rate: number, { isQuick }: Scale): Promise<void> {
  const rates: number[] = [];
  const load = await repeatStretch(isQuick ? 2 : 3, pid, async () => {
    const { connections, seconds } = await churnAt(rate, isQuick ? 2 : 5);
    rates.push(connections / seconds);
  });
  const share = load.map(({ cpu, seconds }) => cpu.totalMs / seconds / 10);
  const aim = rate === Math.max(...RATES) ? { aim: '≤ 10' } : {};
  row(`at ${format(median(rates), 0)} new connections a second`, '% of a core', share, { digits: 2, ...aim });
}

async function measureLoad({ pid, startMs }: Agent, { isQuick }: Scale): Promise<void> {
  const connections = await churnFor(isQuick ? 0.5 : 1.5);
  const load = await repeatStretch(isQuick ? 3 : 5, pid, () => churn(connections));
  rowsOfLoad(load, connections, '≤ 0.1');
  note(`resident memory ${format(readRssMb(pid), 1)} MB; ready after ${format(startMs, 0)} ms`);
}

/** Rows about stretches in which `connections` were made. */
export function rowsOfLoad(load: readonly Stretch[], connections: number, aim?: string): void {
  const per = (ms: (cpu: CpuTime) => number): number[] =>
    load.map(({ cpu }) => (ms(cpu) / 1000 / connections) * CPU_UNIT);
  row(
    'connections a second',
    '',
    load.map(({ seconds }) => connections / seconds),
    { digits: 0 },
  );
  row(
    'user time per 10,000 connections',
    's',
    per(({ userMs }) => userMs),
    {
      digits: 3,
      ...(aim !== undefined && { aim }),
    },
  );
  row(
    'user + system time per 10,000 connections',
    's',
    per(({ totalMs }) => totalMs),
    { digits: 3 },
  );
  row('sleeps of the main thread = its wake-ups', 'a second', perSecond(load), { digits: 1 });
}

export async function repeatStretch(
  count: number,
  pid: number,
  work: () => Promise<unknown>,
): Promise<Stretch[]> {
  const stretches: Stretch[] = [];
  for (let i = 0; i < count; i += 1) stretches.push(await measureStretch(pid, work));
  return stretches;
}

function perSecond(stretches: readonly Stretch[]): number[] {
  return stretches.map(({ sleeps, seconds }) => sleeps / seconds);
}
