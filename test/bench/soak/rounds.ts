/** The loads of a soak, in rounds; each knows what it did. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { projectFolder } from '../../backends/place.ts';
import { runToEnd } from '../children.ts';
import type { SoakPlan } from '../sections/section.ts';

/** What a load did, by its own count. */
export interface Truth {
  /** Connections, both ends of which are here. */
  readonly established: number;
  /** Attempts that were refused or given up. */
  readonly failed: number;
  /** Payload, both directions. */
  readonly bytes: number;
  /** Requests with a sampled `traceparent`. */
  readonly sampled: number;
  /** Processes that lived for one connection. */
  readonly processes: number;
}

/** Share of the connections that a short process makes. */
const PROCESS_SHARE = 0.03;
const SAMPLED_EVERY = 7;
/** `OTEL_RESOURCE_ATTRIBUTES` of a short process, bytes: most, and those of a flood. */
const SMALL_ENVIRONMENT = 20;
const LARGE_ENVIRONMENT = 126_000;
const OVERFLOW_ATTEMPTS = 500;
const MOST_PORTS = 12_000;

const LOAD = join(projectFolder, 'build', 'test', 'bench', 'soak');

export const NOTHING: Truth = { established: 0, failed: 0, bytes: 0, sampled: 0, processes: 0 };

export function addTruth(a: Truth, b: Truth): Truth {
  return {
    established: a.established + b.established,
    failed: a.failed + b.failed,
    bytes: a.bytes + b.bytes,
    sampled: a.sampled + b.sampled,
    processes: a.processes + b.processes,
  };
}

/** A flood beside ordinary connections, then short processes. The floods take turns. */
export async function runRound(plan: SoakPlan, index: number, netns: string): Promise<Truth> {
  const all = share(plan.connections, plan.rounds, index);
  const processes = share(Math.round(plan.connections * PROCESS_SHARE), plan.rounds, index);
  const flood = floodOf(index, all);
  const truths = await Promise.all([
    run(netns, 'mix', all - processes - flood.established, availableParallelism(), SAMPLED_EVERY),
    run(netns, ...flood.command),
  ]);
  const large = index % 4 === 3 ? Math.floor(processes / 3) : 0;
  const ends = [
    await run(netns, 'processes', processes - large, availableParallelism(), SMALL_ENVIRONMENT),
    ...(large > 0 ? [await run(netns, 'processes', large, availableParallelism(), LARGE_ENVIRONMENT)] : []),
  ];
  return [...truths, ...ends].reduce(addTruth);
}

type Command = readonly [mode: string, ...numbers: number[]];

/** What comes beside the connections of a round, and how many of them it makes itself. */
function floodOf(index: number, connections: number): { command: Command; established: number } {
  const peers = Math.floor(connections / 5);
  if (index % 4 === 0) return { command: ['ports', Math.min(MOST_PORTS, connections)], established: 0 };
  if (index % 4 === 1) return { command: ['peers', peers, availableParallelism()], established: peers };
  return { command: ['overflow', OVERFLOW_ATTEMPTS], established: 0 };
}

/** The `index`th of `parts` whole numbers that are `total` together. */
function share(total: number, parts: number, index: number): number {
  return Math.floor((total * (index + 1)) / parts) - Math.floor((total * index) / parts);
}

async function run(netns: string, ...[mode, ...numbers]: [string, ...number[]]): Promise<Truth> {
  const args = ['netns', 'exec', netns, LOAD, mode, ...numbers.map(String)];
  return JSON.parse(await runToEnd('ip', args)) as Truth;
}
