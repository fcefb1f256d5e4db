/** A command on a terminal of its own: what is typed there, whether it is read, and its end are the test's. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectFolder } from '../backends/place.ts';
import { cleanEnvironment } from '../support/agent.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';

const COLOURS = /\x1b\[[\d;]*m/g;
/** What Node's hasColors() reads beside TERM; a test says itself which of them are there. */
const COLOUR_VARIABLES = [
  'CI',
  'NO_COLOR',
  'NODE_DISABLE_COLORS',
  'FORCE_COLOR',
  'COLORTERM',
  'TERM_PROGRAM',
  'TMUX',
];

/** A clean environment in which nothing says whether there are colours. */
export function colourlessEnvironment(settings: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(cleanEnvironment(settings)).filter(([name]) => !COLOUR_VARIABLES.includes(name)),
  );
}

export interface Terminal {
  /** What was shown and read so far, without its colours. */
  readonly text: () => string;
  /** The same as it came. */
  readonly raw: () => string;
  /** The exit status of the command; undefined while it runs. Negative: the signal that ended it. */
  readonly status: () => number | undefined;
  readonly pid: () => number;
  /** Presses keys. */
  readonly type: (keys: string) => void;
  /** Takes what is shown, from now on. */
  readonly read: () => void;
  /** The terminal goes away. */
  readonly hangUp: () => void;
}

/** Resolves when the command runs; it goes with `cleanup`. */
export async function onTerminal(
  cleanup: Cleanup,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Terminal> {
  const child = spawn('python3', [join(import.meta.dirname, 'terminal.py'), ...command], {
    cwd: projectFolder,
    env: { ...colourlessEnvironment(), TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  cleanup.add(async () => {
    child.stdin.end();
    await ended;
  });
  child.stdin.on('error', () => undefined);
  let raw = '';
  let pid = 0;
  let status: number | undefined;
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const said = JSON.parse(line) as { pid?: number; text?: string; status?: number };
      pid = said.pid ?? pid;
      raw += said.text ?? '';
      status = said.status ?? status;
    }
  });
  await waitFor('the terminal', () => pid > 0);
  const order = (line: string): void => void child.stdin.write(`${line}\n`);
  return {
    text: () => raw.replace(COLOURS, ''),
    raw: () => raw,
    status: () => status,
    pid: () => pid,
    type: (keys) => order(`type ${Buffer.from(keys).toString('hex')}`),
    read: () => order('read'),
    hangUp: () => order('hangup'),
  };
}
