import { withAgent } from '../agent.ts';
import { churn, churnFor } from '../load.ts';
import { heading, note, row } from '../report.ts';
import type { Section } from './section.ts';

/** The machine's own rate of connections, with the agent and without, turn by turn. */
export const throughput: Section = {
  name: 'churn',
  what: 'connections a second with the agent against without, alternating pairs',
  async run({ isQuick }) {
    const pairs = isQuick ? 4 : 20;
    const connections = await churnFor(isQuick ? 0.5 : 1);
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
  },
};
