import { enableBpfStats } from '../../../native/index.ts';
import { churn, requests, rounds } from '../load.ts';
import { takeLoadedPairs, type HostedPrograms } from './hosted-programs.ts';
import { takePair, type Reading } from './pairs.ts';
import type { Part } from './part.ts';

const ALL = /^ws_/;
const WRITES = /^ws_write/;

/** So few that both builds' turns are within a tenth of a second. */
const CONNECTIONS = 1_000;
const ROUNDS = 1_500;

/** BPF time by the kernel's own clock reads: the loads are run with one build's programs attached, then with the other's. */
export const bpfTime: Part = {
  figures: [
    { key: 'connection', label: 'BPF time a connection, both ends', unit: 'ns', digits: 0, aim: '≤ 0.60' },
    { key: 'round', label: 'BPF time a keep-alive round', unit: 'ns', digits: 0, aim: '≤ 0.60' },
    { key: 'request', label: 'BPF time an HTTP request', unit: 'ns', digits: 0, aim: '≤ 0.30' },
    { key: 'write', label: '… of it in programs at writes', unit: 'ns', digits: 0 },
  ],
  async measure(against, isQuick) {
    const stats = enableBpfStats();
    try {
      return await takeLoadedPairs(isQuick ? 6 : 16, against, (sides, pair) =>
        takePair(pair, isQuick ? 4 : 6, sides, measure),
      );
    } finally {
      stats.close();
    }
  },
};

function measure(programs: HostedPrograms): Promise<Reading> {
  return programs.during(async () => {
    const nsOf = async (
      match: RegExp,
      count: number,
      load: (count: number) => Promise<unknown>,
    ): Promise<number> => {
      const before = programs.ns(match);
      await load(count);
      return (programs.ns(match) - before) / count;
    };
    const connection = await nsOf(ALL, CONNECTIONS, churn);
    const round = await nsOf(ALL, ROUNDS, rounds);
    const writes = programs.ns(WRITES);
    const request = await nsOf(ALL, ROUNDS, requests);
    return { connection, round, request, write: (programs.ns(WRITES) - writes) / ROUNDS };
  });
}
