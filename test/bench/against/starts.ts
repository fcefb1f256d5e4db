import { setTimeout as sleep } from 'node:timers/promises';
import { startSink } from '../agent.ts';
import { readMemorySplit } from '../soak/memory-split.ts';
import { treeBuild, withAgentOf, type Build } from './build.ts';
import { takePairs, type Reading } from './pairs.ts';
import type { Part } from './part.ts';

const REST_MS = 1_000;

/** A start after another one, and what the agent takes a few seconds later. */
export const starts: Part = {
  figures: [
    { key: 'ms', label: 'from the command to `ready`, second start', unit: 'ms', digits: 0, aim: '≤ 0.40' },
    { key: 'private', label: 'private memory at rest', unit: 'MB', digits: 1, aim: '≤ 0.60' },
    { key: 'resident', label: '… with the pages of Node’s program', unit: 'MB', digits: 1 },
  ],
  async measure(against, isQuick) {
    const sides = { against, tree: treeBuild };
    // The first start compiles what later ones find in their cache.
    for (const build of [against, treeBuild]) await measureStart(build);
    return takePairs(isQuick ? 4 : 10, sides, measureStart);
  },
};

async function measureStart(build: Build): Promise<Reading> {
  const sink = await startSink();
  try {
    const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint };
    return await withAgentOf(build, settings, async ({ pid, startMs }) => {
      await sleep(REST_MS);
      const { program, files, maps, brk, v8Pages, anonymous } = readMemorySplit(pid);
      const privateMb = files + maps + brk + v8Pages + anonymous;
      return { ms: startMs, private: privateMb, resident: privateMb + program };
    });
  } finally {
    await sink.stop();
  }
}
