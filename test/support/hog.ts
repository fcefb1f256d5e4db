/** One process that has a lot of something: test/kernel/hog.c. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectFolder } from '../backends/place.ts';
import type { Cleanup } from './cleanup.ts';
import type { NetNamespace } from './net-namespace.ts';

export interface Hog {
  readonly pid: number;
  /** Does all of it once more; resolves when it did. */
  readonly again: () => Promise<void>;
}

/** Resolves when it did it all; it lives until the test ends. */
export async function startHog(
  cleanup: Cleanup,
  room: NetNamespace,
  ...[mode, first, count]: readonly [mode: 'refused' | 'listen' | 'noise', first: number, count: number]
): Promise<Hog> {
  const program = join(projectFolder, 'build', 'test', 'kernel', 'hog');
  const args = ['netns', 'exec', room.name, program, mode, String(first), String(count)];
  const child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  cleanup.add(() => {
    child.stdin.end();
    return closed;
  });
  child.stdout.setEncoding('utf8');
  const isDone = async (): Promise<void> => {
    const answer = await Promise.race([
      new Promise<string>((resolve) => child.stdout.once('data', resolve)),
      closed.then(() => 'nothing'),
    ]);
    if (Number(answer) !== count) throw new Error(`hog ${mode} told ${answer.trim()} of ${count}`);
  };
  await isDone();
  return {
    // `ip netns exec` becomes the program itself.
    pid: child.pid ?? 0,
    again: () => {
      child.stdin.write('\n');
      return isDone();
    },
  };
}
