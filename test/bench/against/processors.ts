import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf } from '../../support/children-of.ts';
import { churnOn } from '../load.ts';
import { countPassiveOpens, readCpu } from '../proc-stats.ts';
import { median } from '../report.ts';
import { takeLoadedPairs, type HostedPrograms } from './hosted-programs.ts';
import { orderOf, type Pair, type Reading, type Side, type Sides } from './pairs.ts';
import type { Part } from './part.ts';

const WINDOW_MS = 80;
/** Windows of each kind in a pair. */
const TURNS = 20;
/** Attaching changes the kernel's code: what that costs is not what is asked. */
const SETTLE_MS = 15;
const WARM_MS = 1_200;

/**
 * What connections cost the processors: within one churn, windows without programs and with those of one build and the other.
 * The time is that of the churn's own processes, softirqs in their context included, so others on the machine are not in it.
 */
export const processors: Part = {
  figures: [
    { key: 'us', label: "processors' time a connection more", unit: 'µs', aim: '≤ 0.60' },
    { key: 'rate', label: 'connections a second, of without', unit: '', digits: 3 },
  ],
  async measure(against, isQuick) {
    return takeLoadedPairs(isQuick ? 5 : 12, against, async (sides, pair) => {
      const load = churnOn();
      try {
        await sleep(WARM_MS);
        return await takeWindows(pair, childrenOf(load.pid), sides);
      } finally {
        await load.stop();
      }
    });
  },
};

/** What a window says of connections. */
interface Window {
  readonly us: number;
  readonly aSecond: number;
}

async function takeWindows(
  pair: number,
  pids: readonly number[],
  sides: Sides<HostedPrograms>,
): Promise<Pair> {
  const windows = { off: [] as Window[], against: [] as Window[], tree: [] as Window[] };
  for (let turn = 0; turn < TURNS; turn += 1) {
    windows.off.push(await takeWindow(pids));
    for (const side of orderOf(pair + turn))
      await sides[side].during(async () => windows[side].push(await takeWindow(pids)));
  }
  const of = (which: keyof typeof windows, key: keyof Window): number =>
    median(windows[which].map((window) => window[key]));
  const reading = (side: Side): Reading => ({
    us: of(side, 'us') - of('off', 'us'),
    rate: of(side, 'aSecond') / of('off', 'aSecond'),
  });
  return { against: reading('against'), tree: reading('tree') };
}

async function takeWindow(pids: readonly number[]): Promise<Window> {
  const read = () => ({
    connections: countPassiveOpens(),
    cpuMs: pids.reduce((ms, pid) => ms + readCpu(pid).totalMs, 0),
    at: performance.now(),
  });
  await sleep(SETTLE_MS);
  const before = read();
  await sleep(WINDOW_MS);
  const after = read();
  const connections = after.connections - before.connections;
  return {
    us: ((after.cpuMs - before.cpuMs) * 1000) / connections,
    aSecond: (connections * 1000) / (after.at - before.at),
  };
}
