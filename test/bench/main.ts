/**
 * What the agent costs: figures and ratios of one run, each with its spread. Nothing is judged.
 *   npm run bench [-- SECTION...] [-- --quick]
 */
import { arch, availableParallelism, release } from 'node:os';
import { buildLoads } from './load.ts';
import { print } from './report.ts';
import { agentCpu } from './sections/agent-cpu.ts';
import { events } from './sections/events.ts';
import { live } from './sections/live.ts';
import { programs } from './sections/programs.ts';
import { replay } from './sections/replay.ts';
import type { Section } from './sections/section.ts';
import { throughput } from './sections/throughput.ts';

const SECTIONS: readonly Section[] = [agentCpu, programs, events, replay, live, throughput];

function usage(): string {
  const lines = SECTIONS.map(({ name, what }) => `  ${name.padEnd(10)}${what}`);
  return [
    'npm run bench [-- SECTION...] [--quick]',
    '',
    ...lines,
    '',
    '  --quick   a glance, for a first idea',
  ].join('\n');
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    print(usage());
    return 0;
  }
  const asked = args.filter((arg) => arg !== '--quick');
  const unknown = asked.find((arg) => !SECTIONS.some(({ name }) => name === arg));
  if (unknown !== undefined) {
    const names = SECTIONS.map(({ name }) => name).join(', ');
    process.stderr.write(`wirespan: the benchmark has no section '${unknown}'; the sections are: ${names}\n`);
    return 2;
  }
  if (process.getuid?.() !== 0) {
    process.stderr.write(
      'wirespan: the benchmark loads BPF programs and reads their statistics: run it as root\n',
    );
    return 3;
  }
  const scale = { isQuick: args.includes('--quick') };
  print(`Linux ${release()} ${arch()}, ${String(availableParallelism())} CPUs, Node ${process.version}`);
  await buildLoads();
  const began = performance.now();
  for (const section of SECTIONS)
    if (asked.length === 0 || asked.includes(section.name)) await section.run(scale);
  print(`\n${((performance.now() - began) / 1000).toFixed(0)} s`);
  return 0;
}

function explain(error: unknown): number {
  process.stderr.write(
    `wirespan: the benchmark stopped: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  return 1;
}

process.exit(await main(process.argv.slice(2)).catch(explain));
