/** The agent as a user runs it, with a collector that takes everything and does nothing with it. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectFolder } from '../backends/place.ts';
import { agentArgs, NODE_OPTIONS } from '../support/agent.ts';
import { childrenOf } from '../support/children-of.ts';
import { start, waitFor, type Started } from './children.ts';
import type { Tally } from './soak/tally.ts';

/** The first seconds compile and resolve what later ones only use. */
const SETTLE_MS = 1500;

/** What scripts/launch.mjs, which `npm start` and `bin/wirespan` use, sets for the process. */
const LAUNCHER = {
  NODE_COMPILE_CACHE: join(projectFolder, '.cache', 'node'),
  ...NODE_OPTIONS.environment,
};

const OWN_COMMAND: readonly string[] = [process.execPath, ...agentArgs('run', '--output=none')];

type LogLine = { readonly msg: string } & Readonly<Record<string, unknown>>;

export interface Agent {
  readonly pid: number;
  /** From its `ready` line. */
  readonly programs: readonly string[];
  readonly accept: string;
  /** The iterators that walk the sockets. */
  readonly pass: readonly string[];
  /** Spawned to ready. */
  readonly startMs: number;
  /** Drains and ends; what its last line said. */
  stop(): Promise<LogLine>;
}

/** Runs `work` with an agent of these settings, and stops it whatever happens. */
export async function withAgent<T>(
  settings: Readonly<Record<string, string>>,
  work: (agent: Agent) => Promise<T>,
  command = OWN_COMMAND,
): Promise<T> {
  const sink = await startSink();
  try {
    const agent = await startAgent({ OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint, ...settings }, command);
    try {
      return await work(agent);
    } finally {
      await agent.stop();
    }
  } finally {
    await sink.stop();
  }
}

/**
 * Settles before it resolves. The caller stops it, whatever happens. `command` becomes the agent, or starts it as its
 * only child and passes signals on.
 */
export async function startAgent(
  settings: Readonly<Record<string, string>>,
  command = OWN_COMMAND,
): Promise<Agent> {
  const began = performance.now();
  const [program = '', ...args] = command;
  const agent = start(program, args, { ...(command === OWN_COMMAND && LAUNCHER), ...settings });
  const ready = await waitFor('the agent', agent, () => findLine(agent, 'ready'));
  const startMs = performance.now() - began;
  await sleep(SETTLE_MS);
  const { programs, accept, pass } = ready as unknown as Pick<Agent, 'programs' | 'accept' | 'pass'>;
  let stopped: Promise<number> | undefined;
  const stop = async (): Promise<LogLine> => {
    if (stopped === undefined) {
      agent.child.kill('SIGTERM');
      stopped = agent.ended;
    }
    await stopped;
    return findLine(agent, 'stopped') ?? { msg: '' };
  };
  return { pid: innermost(agent.pid), programs, accept, pass, startMs, stop };
}

/** The process itself, or the last of those that were started one by the other. */
function innermost(pid: number): number {
  const [child] = childrenOf(pid);
  return child === undefined ? pid : innermost(child);
}

function findLine({ output }: Started, msg: string): LogLine | undefined {
  return output.stderr
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as LogLine)
    .find((line) => line.msg === msg);
}

/** Where the agent exports to. */
export interface Sink {
  readonly endpoint: string;
  /** What came so far. Only of a sink that was started to tally. */
  readonly tally: () => Promise<Tally>;
  stop(): Promise<void>;
}

/** `isTallying`: it reads what it gets, which takes time; else it does nothing with it. */
export async function startSink(isTallying = false): Promise<Sink> {
  const script = join(import.meta.dirname, 'sink.ts');
  const sink = start(process.execPath, [script, ...(isTallying ? ['tally'] : [])]);
  const port = await waitFor('the OTLP sink', sink, () => sink.output.stdout.match(/^(\d+)\n/)?.[1]);
  const tally = async (): Promise<Tally> => {
    sink.output.stdout = '';
    sink.child.stdin?.write('\n');
    const line = await waitFor('the tally', sink, () => sink.output.stdout.match(/^\{.*\}$/m)?.[0]);
    return JSON.parse(line) as Tally;
  };
  const stop = async (): Promise<void> => {
    sink.child.kill('SIGTERM');
    await sink.ended.catch(() => undefined);
  };
  return { endpoint: `http://127.0.0.1:${port}`, tally, stop };
}
