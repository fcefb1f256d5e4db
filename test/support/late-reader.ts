/** Readers that sleep until there is data: test/kernel/late-reader.c. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectFolder } from '../backends/place.ts';
import type { NetNamespace } from './net-namespace.ts';

const PROGRAM = join(projectFolder, 'build', 'test', 'kernel', 'late-reader');
const MAX_MS = 60_000;

/** What the program says of itself; times are CLOCK_MONOTONIC. */
export interface LateReader {
  readonly pid: number;
  /** How often all its readers slept while they read, by the kernel's count. */
  readonly sleeps: number;
  /** Its one reader's. */
  readonly thread: number;
  /** Around the write of the one message. */
  readonly beforeNs: bigint;
  readonly afterNs: bigint;
  readonly hog: number;
  /** Until then the hog had the CPU. */
  readonly untilNs: bigint;
  /** The reader had the message. */
  readonly ranNs: bigint;
}

/** Resolves when it is through. @throws when it fails */
export async function runLateReader(
  room: NetNamespace,
  mode: 'read' | 'epoll' | 'awake' | 'crowd' | 'hog',
  count: number,
): Promise<LateReader> {
  const args = ['netns', 'exec', room.name, PROGRAM, mode, String(count)];
  const { stdout } = await promisify(execFile)('ip', args, { timeout: MAX_MS });
  const said = JSON.parse(stdout) as Record<string, number>;
  const number = (name: string): number => said[name] ?? 0;
  // Nanoseconds since boot are exact in a number for 104 days.
  const ns = (name: string): bigint => BigInt(number(name));
  return {
    pid: number('pid'),
    sleeps: number('sleeps'),
    thread: number('thread'),
    beforeNs: ns('before'),
    afterNs: ns('after'),
    hog: number('hog'),
    untilNs: ns('until'),
    ranNs: ns('ran'),
  };
}
