/** Builds and runs the workloads that know their own truth. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { projectFolder } from '../backends/place.ts';
import { runToEnd } from './agent.ts';
import { parseTruth } from './truth.ts';
import type { Truth } from './truth.ts';
import { waitFor } from './wait.ts';

/** Where the built workloads are. */
export const workloadsFolder = join(projectFolder, 'build', 'test', 'workloads');

/** Builds what is not built yet. */
export async function buildWorkloads(): Promise<void> {
  await promisify(execFile)('make', ['-s', '-C', join(projectFolder, 'test', 'workloads')]);
}

/** Runs all cases one after the other, in a network namespace of their own. */
export async function runTruth(): Promise<Truth> {
  const { code, stdout, stderr } = await runToEnd(join(workloadsFolder, 'tcp-truth'), ['--netns'], {
    withinMs: 120_000,
  });
  if (code !== 0) throw new Error(`tcp-truth failed (${code}): ${stderr}`);
  return parseTruth(stdout);
}

/** Connections that are open and wait. */
export interface HeldTruth {
  /** Ends all of them; the truth of the whole run. */
  readonly finish: () => Promise<Truth>;
  readonly kill: () => void;
}

/** Opens connections and listeners, and holds them until `finish`. */
export async function holdTruth(): Promise<HeldTruth> {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(
    join(workloadsFolder, 'tcp-truth'),
    ['--netns', '--hold'],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  void closed.then(() => process.removeListener('exit', kill));
  await waitFor(
    'tcp-truth to hold its connections',
    () => child.exitCode !== null || stdout.includes('"paused"'),
  );
  return {
    kill,
    finish: async () => {
      child.stdin.end('\n');
      const code = await closed;
      if (code !== 0) throw new Error(`tcp-truth failed (${code}): ${stderr}`);
      return parseTruth(stdout);
    },
  };
}

/** What churn counted. */
export interface ChurnTruth {
  readonly connections: number;
  readonly bytesEachWay: number;
  readonly seconds: number;
  readonly ports: readonly number[];
}

/** How churn runs. */
export interface ChurnOptions {
  readonly pairs?: number;
  /** Peer addresses of a client; default 200. */
  readonly destinations?: number;
  /** A client process for each connection. */
  readonly isShort?: boolean;
  /** Connections a second of all pairs; default: as fast as it goes. */
  readonly rate?: number;
  /** The network namespace (`ip netns`) to run in; default: this one. */
  readonly netns?: string;
}

/** Opens, uses and closes connections as fast as it goes. */
export async function runChurn(connections: number, options: ChurnOptions = {}): Promise<ChurnTruth> {
  const { pairs = 1, destinations = 200, isShort = false, rate = 0, netns } = options;
  const program = [
    ...(netns === undefined ? [] : ['ip', 'netns', 'exec', netns]),
    join(workloadsFolder, 'churn'),
    ...[connections, pairs, destinations, Number(isShort), rate].map(String),
  ];
  const [command = '', ...args] = program;
  const { code, stdout, stderr } = await runToEnd(command, args, { withinMs: 300_000 });
  if (code !== 0) throw new Error(`churn failed (${code}): ${stderr}`);
  return JSON.parse(stdout) as ChurnTruth;
}
