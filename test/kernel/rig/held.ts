/** Programs of these tests that say "ready" and hold what they have until they are let go. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectFolder } from '../../backends/place.ts';
import type { Cleanup } from '../../support/cleanup.ts';

const folder = join(projectFolder, 'build', 'test', 'kernel');

export interface Held {
  readonly pid: number;
  /** Resolves when it has ended. */
  readonly release: () => Promise<void>;
}

/** `prefix`: a command that becomes the program (`ip netns exec NAME`). */
export async function hold(
  cleanup: Cleanup,
  program: string,
  args: readonly (string | number)[],
  prefix: readonly string[] = [],
): Promise<Held> {
  execFileSync('make', ['-s', '-C', join(projectFolder, 'test', 'kernel')]);
  const [command = '', ...rest] = [...prefix, join(folder, program), ...args.map(String)];
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const release = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  cleanup.add(release);
  const [said] = (await Promise.race([once(child.stdout, 'data'), ended.then(() => [''])])) as [unknown];
  if (String(said).trim() !== 'ready') throw new Error(`${program} did not get ready`);
  return { pid: child.pid ?? 0, release };
}
