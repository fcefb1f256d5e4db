/** Tools that the views replace, as Debian has them: libbpf-tools' programs and bpftrace's scripts. */
import { spawn } from 'node:child_process';
import type { Cleanup } from '../../support/cleanup.ts';

/** A tool that runs. */
export interface Original {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Ctrl-C, and its end by force when it does not end by that; what it printed in all. */
  readonly stop: () => Promise<string>;
}

/** A tool that was told to end has so long. */
const PATIENCE_MS = 20_000;

/** Mounts tracefs for this process alone, which some machines have not; then a line of the tool leaves when it is printed. */
const IN_TRACEFS =
  'mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; exec stdbuf -oL "$@"';

/** Starts it; it need not watch yet. */
export function startOriginal(cleanup: Cleanup, ...command: readonly string[]): Original {
  const child = spawn('unshare', ['--mount', 'sh', '-c', IN_TRACEFS, 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  cleanup.add(() => {
    child.kill('SIGKILL');
    return ended;
  });
  return {
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    stop: async () => {
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
      await ended;
      clearTimeout(timer);
      return said.stdout;
    },
  };
}
