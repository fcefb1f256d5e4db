/**
 * What the agent costs: figures and ratios of one run, each with its spread. Nothing is judged.
 *   npm run bench [-- SECTION...] [--quick]
 */
import { arch, availableParallelism, release } from 'node:os';
import { PARTS } from './against/part.ts';
import { buildLoads } from './load.ts';
import { readParameters, type Parameters } from './parameters.ts';
import { print } from './report.ts';
import { against } from './sections/against.ts';
import { agentCpu } from './sections/agent-cpu.ts';
import { events } from './sections/events.ts';
import { gateways } from './sections/gateways.ts';
import { hook } from './sections/hook.ts';
import { http } from './sections/http.ts';
import { live } from './sections/live.ts';
import { programs } from './sections/programs.ts';
import { recordings } from './sections/recordings.ts';
import { replay } from './sections/replay.ts';
import type { Section } from './sections/section.ts';
import { soak } from './sections/soak.ts';
import { starts } from './sections/starts.ts';
import { stages } from './sections/stages.ts';
import { throughput } from './sections/throughput.ts';
import { views } from './sections/views.ts';
import { top } from './sections/top.ts';

const SECTIONS: readonly Section[] = [
  agentCpu,
  programs,
  events,
  replay,
  recordings,
  gateways,
  views,
  starts,
  live,
  top,
  throughput,
  http,
  hook,
  stages,
  soak,
  against,
];

function usage(): string {
  const lines = SECTIONS.map(({ name, what }) => `  ${name.padEnd(12)}${what}`);
  return [
    'npm run bench [-- SECTION...] [--quick]',
    '',
    ...lines,
    '',
    '  --quick   a glance, for a first idea',
    '',
    'For against, which runs only when it is named:',
    `  --parts NAMES     these alone: ${PARTS.join(',')}`,
    '',
    'For the soak, which runs only when it is named:',
    '  --connections N   in all; default 5,000,000',
    '  --minutes M       over which they are spread; default 10',
    '  --peers           each peer address is a series (attributes.network.peer.address=on)',
  ].join('\n');
}

async function main(args: readonly string[]): Promise<number> {
  let parameters: Parameters;
  try {
    parameters = readParameters(
      args,
      SECTIONS.map(({ name }) => name),
    );
  } catch (error) {
    process.stderr.write(`wirespan: ${(error as Error).message}\n`);
    return 2;
  }
  if (parameters.isHelp) {
    print(usage());
    return 0;
  }
  if (process.getuid?.() !== 0) {
    process.stderr.write(
      'wirespan: the benchmark loads BPF programs and reads their statistics: run it as root\n',
    );
    return 3;
  }
  await measure(parameters);
  return 0;
}

async function measure({ sections, scale }: Parameters): Promise<void> {
  print(`Linux ${release()} ${arch()}, ${String(availableParallelism())} CPUs, Node ${process.version}`);
  await buildLoads();
  const began = performance.now();
  for (const section of SECTIONS)
    if (sections.length === 0 ? section.isOnRequest !== true : sections.includes(section.name))
      await section.run(scale);
  print(`\n${((performance.now() - began) / 1000).toFixed(0)} s`);
}

function explain(error: unknown): number {
  process.stderr.write(
    `wirespan: the benchmark stopped: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  return 1;
}

process.exit(await main(process.argv.slice(2)).catch(explain));
