/** An agent whose standard streams are the test's to spoil, and lines that it is made to write to them. */
import { spawn, type StdioOptions } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentArgs, agentSettings, cleanEnvironment } from '../support/agent.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';

/** A process that runs the agent, or is it. */
export interface Streamed {
  readonly pid: number;
  /** Negative: ended by a signal. Undefined while it runs. */
  readonly status: () => number | undefined;
}

/** The command line that runs the agent. */
export function agentCommand(...args: string[]): string[] {
  return [process.execPath, ...agentArgs('run', ...args)];
}

/** Runs a command with the agent's environment on these streams; it goes with `cleanup`. */
export function startStreamed(
  cleanup: Cleanup,
  [command = '', ...args]: readonly string[],
  { settings, stdio }: { settings: Readonly<Record<string, string>>; stdio: StdioOptions },
): Streamed {
  const child = spawn(command, args, { env: cleanEnvironment(agentSettings(settings)), stdio });
  let status: number | undefined;
  child.once('exit', (code) => (status = code ?? -1));
  child.once('error', () => (status = -1));
  cleanup.add(() => void child.kill('SIGKILL'));
  return { pid: child.pid ?? 0, status: () => status };
}

/** Settings that cannot be used, the agent says six of the reasons and how many more there are, in one line of some 2 KB, each time it reads them. */
const BAD_SETTINGS = [
  'log.level',
  'shutdown.deadline',
  'series.limit',
  'resource.limit',
  'addresses',
  'profile',
  'protocol',
  'subnets',
]
  .map((key) => `${key}: ${'x'.repeat(500)}\n`)
  .join('');
const SAID = 'the settings stay as they are';

/** One line of the log for each time that the agent is told to read its settings again. */
export class ReloadLines {
  readonly file: string;
  sent = 0;

  constructor(cleanup: Cleanup) {
    // Each reason names the file, so that a long name makes a long line.
    this.file = join(cleanup.makeFolder(), `${'long'.repeat(50)}.yaml`);
    this.allow();
  }

  /** An agent can start with what the file says now. */
  allow(): void {
    writeFileSync(this.file, '{}\n');
  }

  /** So many signals; each is delivered before the next one is sent, so that none is merged with another. */
  async provoke(pid: number, count: number): Promise<void> {
    writeFileSync(this.file, BAD_SETTINGS);
    for (let i = 0; i < count; i += 1) {
      process.kill(pid, 'SIGHUP');
      this.sent += 1;
      while (hasPending(pid)) await sleep(1);
    }
  }

  /** Such lines in a text, whole or, on a terminal, wrapped in colours. */
  countIn(text: string): number {
    return text.split('\n').filter((line) => line.includes(SAID) && /problems\W*$/.test(line)).length;
  }
}

/** Whether SIGHUP waits to be delivered to a process. */
function hasPending(pid: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const pending = /^ShdPnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return (BigInt(`0x${pending}`) & 1n) !== 0n;
}

/** Waits for the end of it, which was told to. */
export async function endOf({ status }: Streamed): Promise<number | undefined> {
  await waitFor('the agent to end', () => status() !== undefined, 40_000);
  return status();
}
