/** Processes that a benchmark starts: none outlives it, however it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const SETPRIV = '/usr/bin/setpriv';

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

/** A process that was started, and what it wrote so far. */
export interface Started {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
  readonly output: { stdout: string; stderr: string };
}

/** Starts a program with this environment on top of one without the caller's own settings. */
export function start(
  command: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Started {
  const line = [command, ...args];
  // Should this process be killed, its children go too; setpriv becomes the program and keeps its pid.
  const [program = '', ...rest] = existsSync(SETPRIV)
    ? [SETPRIV, '--pdeathsig', 'KILL', '--', ...line]
    : line;
  const child = spawn(program, rest, { env: environment(settings), stdio: ['pipe', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output.stderr += chunk));
  running.add(child);
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      running.delete(child);
      resolve(code ?? -1);
    });
  });
  ended.catch(() => running.delete(child));
  return { pid: child.pid ?? 0, child, ended, output };
}

/** Runs a program to its end and returns its standard output. Rejects when it fails. */
export async function runToEnd(command: string, args: readonly string[]): Promise<string> {
  const { ended, output } = start(command, args);
  const code = await ended;
  if (code !== 0)
    throw new Error(`'${[command, ...args].join(' ')}' ended with ${String(code)}: ${output.stderr.trim()}`);
  return output.stdout;
}

/** Waits until `find` finds something in what the process writes. Rejects when it ends first. */
export async function waitFor<T>(
  what: string,
  started: Started,
  find: () => T | undefined,
  withinMs = 120_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    if (started.child.exitCode !== null || Date.now() > deadline)
      throw new Error(`${what}: it ended or took too long: ${started.output.stderr.trim()}`);
    await sleep(20);
  }
}

function environment(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(WIRESPAN_|OTEL_)/.test(name));
  return { ...Object.fromEntries(own), ...settings };
}
