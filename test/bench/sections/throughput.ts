import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../../../config/index.ts';
import { kernelOptionsOf } from '../../../receiver/settings/kernel.ts';
import { KernelSource } from '../../../receiver/source/kernel-source.ts';
import { withAgent } from '../agent.ts';
import { churn, churnFor, churnOn } from '../load.ts';
import { countPassiveOpens } from '../proc-stats.ts';
import { heading, median, note, row } from '../report.ts';
import type { Section } from './section.ts';

const WINDOW_MS = 120;
/** Attaching changes the kernel's code: what that costs is not what is asked. */
const SETTLE_MS = 15;

/** The machine's own rate of connections, with the agent and without, turn by turn. */
export const throughput: Section = {
  name: 'churn',
  what: 'connections a second with the agent against without, alternating pairs',
  async run({ isQuick }) {
    await withAndWithout(isQuick ? 4 : 20, await churnFor(isQuick ? 0.5 : 1));
    await onAndOff(isQuick ? 20 : 100);
  },
};

async function withAndWithout(pairs: number, connections: number): Promise<void> {
  const rate = async (): Promise<number> => connections / (await churn(connections)).seconds;
  const without: number[] = [];
  const withIt: number[] = [];
  // Without, with, with, without, …: a drift of the machine's speed hits both alike.
  for (let pair = 0; pair < pairs; pair += 2) {
    without.push(await rate());
    await withAgent({}, async () => {
      withIt.push(await rate(), await rate());
    });
    without.push(await rate());
  }
  heading(`Full churn, ${String(pairs)} pairs`);
  row('without the agent', 'connections a second', without, { digits: 0 });
  row('with the agent', 'connections a second', withIt, { digits: 0 });
  row(
    'with / without',
    '',
    withIt.map((each, i) => each / (without[i] ?? NaN)),
    { digits: 3, aim: '≥ 0.95' },
  );
  note('the method alone gives 0.95 to 1.06 on a small virtual machine: only the median says something');
}

/** The default programs alone, detached and attached within one churn: a drift hardly shows in so short a time. */
async function onAndOff(windows: number): Promise<void> {
  const source = KernelSource.start(kernelOptionsOf(loadConfig({ argv: [], env: {}, readFile: () => '' })));
  const load = churnOn();
  const off: number[] = [];
  const ratios: number[] = [];
  try {
    source.detach();
    await sleep(10 * WINDOW_MS);
    for (let i = 0; i < windows; i += 1) {
      const before = await rateOfOpens();
      source.attach();
      await sleep(SETTLE_MS);
      const on = await rateOfOpens();
      source.detach();
      await sleep(SETTLE_MS);
      const after = await rateOfOpens();
      off.push(before, after);
      ratios.push((2 * on) / (before + after));
    }
  } finally {
    await load.stop();
    source.close();
  }
  heading(`Programs on and off within one churn, ${String(windows)} windows of ${String(WINDOW_MS)} ms`);
  row('off', 'connections a second', off, { digits: 0 });
  row('on / off', '', ratios, { digits: 3 });
  const processorUs = (availableParallelism() * 1e6) / median(off);
  row('a connection more, of all processors', 'µs', [(1 / median(ratios) - 1) * processorUs], { digits: 1 });
}

async function rateOfOpens(): Promise<number> {
  const [opens, began] = [countPassiveOpens(), performance.now()];
  await sleep(WINDOW_MS);
  return ((countPassiveOpens() - opens) * 1000) / (performance.now() - began);
}
