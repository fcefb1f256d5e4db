/** One process that has a lot of something: test/kernel/hog.c. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectFolder } from '../../backends/place.ts';
import type { Cleanup } from '../../e2e/cleanup.ts';
import type { NetRoom } from './net-room.ts';

export interface Hog {
  readonly pid: number;
  /** Ends it. */
  readonly stop: () => Promise<void>;
}

/** Resolves when it did it all; with `listen` it goes on until `stop`. */
export async function startHog(
  cleanup: Cleanup,
  room: NetRoom,
  ...[mode, first, count]: readonly [mode: 'refused' | 'listen' | 'noise', first: number, count: number]
): Promise<Hog> {
  const program = join(projectFolder, 'build', 'test', 'kernel', 'hog');
  const args = ['netns', 'exec', room.name, program, mode, String(first), String(count)];
  const child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await closed;
  };
  cleanup.add(stop);
  const answer = await new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').once('data', resolve);
    child.once('close', () => resolve('nothing'));
  });
  if (Number(answer) !== count) throw new Error(`hog ${mode} told ${answer.trim()} of ${count}`);
  // `ip netns exec` becomes the program itself.
  return { pid: child.pid ?? 0, stop };
}
