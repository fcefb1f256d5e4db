/** The agent as `npm start` runs it, in a session of its own without a terminal; its group can be signalled. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectFolder } from '../backends/place.ts';
import { cleanEnvironment, type LogLine } from '../support/agent.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';

const END_WITHIN_MS = 40_000;

export type NpmStatus = readonly [code: number | null, signal: NodeJS.Signals | null];

export interface NpmStart {
  /** The first process: `npm`, or what it was started through. */
  readonly pid: number;
  /** What the agent's own lines say it is. */
  readonly agentPid: () => number;
  readonly stderr: () => string;
  readonly log: () => readonly LogLine[];
  /** Resolves when the first process and all that hold its standard error have ended. */
  readonly ended: Promise<NpmStatus>;
  readonly signalGroup: (signal: NodeJS.Signals) => void;
}

/** Starts it. `through`: a command that runs it, such as `timeout 600`. What is left of the group goes with `cleanup`. */
export function npmStart(
  cleanup: Cleanup,
  settings: Readonly<Record<string, string>>,
  through: readonly string[] = [],
): NpmStart {
  const [command = '', ...args] = [...through, 'npm', 'start', '--', '--output=none'];
  const child = spawn(command, args, {
    cwd: projectFolder,
    env: cleanEnvironment(settings),
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const pid = child.pid ?? 0;
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  cleanup.add(() => signalGroup(pid, 'SIGKILL'));
  const log = (): LogLine[] => linesOf(stderr);
  return {
    pid,
    agentPid: () => Number(log()[0]?.['pid'] ?? 0),
    stderr: () => stderr,
    log,
    ended: once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
    signalGroup: (signal) => void signalGroup(pid, signal),
  };
}

/** How it ended; an error with what it said when it does not, once it was told to. */
export async function endOf({ ended, stderr }: NpmStart): Promise<NpmStatus> {
  const end = await Promise.race([ended, sleep(END_WITHIN_MS, undefined, { ref: false })]);
  if (end === undefined) throw new Error(`it does not end: ${stderr()}`);
  return end;
}

/** Waits for the log line `ready`. */
export async function whenReady({ log }: NpmStart): Promise<void> {
  await waitFor('npm start to be ready', () => log().some(({ msg }) => msg === 'ready'), 120_000);
}

/** Whether anything of the group was there to get it. */
function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    return group > 0 && process.kill(-group, signal);
  } catch {
    return false;
  }
}

/** Processes below another one, by pid, with their command lines. */
export function processesBelow(pid: number): { readonly pid: number; readonly command: string }[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((child) => child !== '')
    .flatMap((child) => {
      const command = readFileSync(`/proc/${child}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return [{ pid: Number(child), command }, ...processesBelow(Number(child))];
    });
}

/** The process that started this one, or took it over. */
export function parentOf(pid: number): number {
  return Number(statOf(pid)[1]);
}

/** Processes of a group that have not ended. */
export function livingOf(group: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
    .filter((pid) => {
      const [state, , itsGroup] = statOf(pid);
      return Number(itsGroup) === group && state !== 'Z';
    });
}

/** State, parent and group of a process; nothing when it is gone. */
function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

function linesOf(stderr: string): LogLine[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as LogLine);
}
