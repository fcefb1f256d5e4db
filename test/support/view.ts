/** Runs a view (`wirespan tcplife` and the like), or `wirespan record`, as a user would, and reads what it prints. */
import { spawn } from 'node:child_process';
import { agentArgs, cleanEnvironment, NODE_OPTIONS } from './agent.ts';
import type { Cleanup } from './cleanup.ts';
import { waitFor } from './wait.ts';

export type JsonRow = Readonly<Record<string, unknown>>;

/** It takes a second, and half a minute and more where the processor is emulated. */
const START_MS = 120_000;

/** A view that watches. */
export interface RunningView {
  readonly pid: number;
  /** Its status, when it ends by itself. */
  readonly ended: () => Promise<number | null>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** What `--json` printed so far. */
  readonly rows: () => readonly JsonRow[];
  /** Nothing is read of its standard output until `resume`. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Ctrl-C; the exit status. Again is fine. */
  readonly stop: () => Promise<number | null>;
}

/** Rejects, with what it said, when it does not watch in time. */
export async function startView(cleanup: Cleanup, ...args: readonly string[]): Promise<RunningView> {
  return await startViewWith({}, cleanup, ...args);
}

/** The same with variables in its environment. */
export async function startViewWith(
  settings: Readonly<Record<string, string>>,
  cleanup: Cleanup,
  ...args: readonly string[]
): Promise<RunningView> {
  const child = spawn(process.execPath, agentArgs(...args), {
    env: cleanEnvironment({ ...NODE_OPTIONS.environment, ...settings }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const stop = (): Promise<number | null> => {
    child.kill('SIGINT');
    return ended;
  };
  cleanup.add(() => {
    child.kill('SIGKILL');
    return ended;
  });
  const watches = (): boolean => /\n/.test(said.stdout) || /watches|Ctrl-C ends it/.test(said.stderr);
  await waitFor(`${args.join(' ')} to watch`, () => watches() || child.exitCode !== null, START_MS);
  if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said.stderr}`);
  const rows = (): JsonRow[] =>
    said.stdout
      .split('\n')
      // What comes after the last end of a line is not all of one yet.
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as JsonRow);
  return {
    pid: child.pid ?? 0,
    ended: () => ended,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    rows,
    pause: () => void child.stdout.pause(),
    resume: () => void child.stdout.resume(),
    stop,
  };
}
