/** Starts the agent as a user would: a process, settings by environment, log lines on standard error. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../backends/place.ts';
import { childrenOf } from './children-of.ts';
import { waitFor } from './wait.ts';

/** One line of the agent's log; only `msg` is sure to be there. */
export type LogLine = { readonly msg: string; readonly level?: string } & Readonly<Record<string, unknown>>;

/** A process that has ended. */
export interface Ended {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** An agent that runs and is ready, or was until it was stopped. */
export interface Agent {
  readonly pid: number;
  /** What it logged so far. */
  readonly log: () => readonly LogLine[];
  /** Its resident memory now, bytes. */
  readonly rssBytes: () => number;
  /** The most that was resident so far, bytes; 0 when it is gone. */
  readonly peakRssBytes: () => number;
  readonly isRunning: () => boolean;
  /** SIGTERM; resolves when it drained and ended. Again is fine. */
  readonly stop: () => Promise<Ended>;
  /** SIGKILL; resolves when it is gone. */
  readonly kill: () => Promise<Ended>;
}

const READY_WITHIN_MS = 60_000;
const KILL_AFTER_MS = 30_000;

/** Settings that every test of the whole agent has: a fast interval, all the truth, and accepts on this kernel. */
const TEST_SETTINGS: Readonly<Record<string, string>> = {
  OTEL_METRIC_EXPORT_INTERVAL: '1000',
  WIRESPAN_EVENTS_RATE_LIMIT: '0',
  WIRESPAN_BPF_COSTLY_VARIANTS: 'on',
  WIRESPAN_SHUTDOWN_DEADLINE: '20s',
};

/** The environment without settings of the caller's own, then `settings`. */
export function cleanEnvironment(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(WIRESPAN_|OTEL_|NODE_TEST_)/.test(name));
  return { ...Object.fromEntries(own), ...settings };
}

/** Runs a program to its end, with a limit of `withinMs`. */
export async function runToEnd(
  command: string,
  args: readonly string[],
  { env = {}, withinMs = 60_000 }: { env?: Readonly<Record<string, string>>; withinMs?: number } = {},
): Promise<Ended> {
  const started = start(command, args, env);
  const timer = setTimeout(() => started.child.kill('SIGKILL'), withinMs);
  try {
    return await started.ended;
  } finally {
    clearTimeout(timer);
  }
}

/** How scripts/launch.mjs, which `npm start` and `bin/wirespan` use, runs Node. */
export const NODE_OPTIONS = JSON.parse(
  readFileSync(join(projectFolder, 'scripts', 'node-options.json'), 'utf8'),
) as { readonly arguments: readonly string[]; readonly environment: Readonly<Record<string, string>> };

/** Arguments for Node that run the agent's command line. */
export function agentArgs(...args: string[]): string[] {
  return [...NODE_OPTIONS.arguments, join(projectFolder, 'receiver', 'main.ts'), ...args];
}

/** Environment of every test's agent, and `settings` on top of it. */
export function agentSettings(settings: Readonly<Record<string, string>>): Record<string, string> {
  return { ...NODE_OPTIONS.environment, ...TEST_SETTINGS, ...settings };
}

/**
 * Starts `wirespan run` and waits for the log line `ready`. `settings` are environment variables on top of
 * those of every test. Rejects, with what it wrote, when it ends or is not ready in time. `launcher`: a command that
 * runs the agent as its only child.
 */
export async function startAgent(
  settings: Readonly<Record<string, string>>,
  args: readonly string[] = ['run', '--output=none'],
  launcher: readonly string[] = [],
): Promise<Agent> {
  const line = [...launcher, process.execPath, ...agentArgs(...args)];
  return await startCommand(line, agentSettings(settings), launcher.length > 0);
}

/** Starts an agent by this command line, an installed one for example. `isLaunched`: the agent is the command's only child. */
export async function startCommand(
  [command = '', ...rest]: readonly string[],
  env: Readonly<Record<string, string>>,
  isLaunched = false,
): Promise<Agent> {
  const { child, ended, output } = start(command, rest, env);
  const log = (): LogLine[] => parseLog(output().stderr);
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const end = async (signal: NodeJS.Signals): Promise<Ended> => {
    const send = (name: NodeJS.Signals): void => {
      const [inner] = isLaunched ? childrenOf(child.pid ?? 0) : [];
      if (inner === undefined) child.kill(name);
      else process.kill(inner, name);
    };
    send(signal);
    const timer = setTimeout(() => send('SIGKILL'), KILL_AFTER_MS);
    const result = await ended;
    clearTimeout(timer);
    return result;
  };
  const agent = { log, isRunning, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
  const pid = child.pid ?? 0;
  try {
    await waitFor('the agent to be ready', () => !isRunning() || hasLine(log(), 'ready'), READY_WITHIN_MS);
    if (!isRunning()) throw new Error('it ended');
  } catch (error) {
    await agent.kill();
    throw new Error(`the agent did not start: ${String(error)}\n${output().stderr}`, { cause: error });
  }
  return {
    pid,
    rssBytes: () => readMemory(pid, 'VmRSS'),
    peakRssBytes: () => (isRunning() ? readMemory(pid, 'VmHWM') : 0),
    ...agent,
  };
}

/** Whether a line with this `msg` is there. */
export function hasLine(log: readonly LogLine[], msg: string): boolean {
  return log.some((line) => line.msg === msg);
}

interface Started {
  readonly child: ReturnType<typeof spawn>;
  readonly ended: Promise<Ended>;
  readonly output: () => { stdout: string; stderr: string };
}

function start(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Started {
  const child = spawn(command, args, { env: cleanEnvironment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output.stderr += chunk));
  const onExit = (): void => void child.kill('SIGKILL');
  process.once('exit', onExit);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.removeListener('exit', onExit);
      resolve({ code: code ?? undefined, signal: signal ?? undefined, ...output });
    });
  });
  ended.catch(() => undefined);
  return { child, ended, output: () => output };
}

function parseLog(stderr: string): LogLine[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as LogLine);
}

function readMemory(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
  } catch (error) {
    // It has just ended.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0;
    throw error;
  }
}
