/** Control groups of a test's own, of version 2 and of version 1, and processes in them. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Cleanup } from './cleanup.ts';

/** Version 1 controllers that processes can be put below without setting anything. */
const PLAIN_CONTROLLERS = ['pids', 'freezer', 'cpuacct', 'devices'];

/** Where cgroup v2 is mounted, and a hierarchy of cgroup v1; undefined where this machine has none. */
export function cgroupMounts(): { readonly v2: string | undefined; readonly v1: string | undefined } {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  const v1 = mounts.find(
    ([, , type, options = '']) =>
      type === 'cgroup' && options.split(',').some((name) => PLAIN_CONTROLLERS.includes(name)),
  );
  return { v2: mounts.find(([, , type]) => type === 'cgroup2')?.[1], v1: v1?.[1] };
}

/**
 * Makes the groups of `path` below `mount`; those that it made go when they are empty, with the test at
 * the latest. Returns the innermost one's folder.
 */
export function makeCgroup(cleanup: Cleanup, mount: string, path: string): string {
  const folder = join(mount, path);
  const first = mkdirSync(folder, { recursive: true });
  if (first !== undefined) cleanup.add(() => removeCgroup(folder, first));
  return folder;
}

/** Removes a group and those around it, up to `last`. Processes that have just ended may still be counted. */
export function removeCgroup(folder: string, last = folder): void {
  for (let each = folder; ; each = dirname(each)) {
    removeOne(each);
    if (each === last) return;
  }
}

function removeOne(folder: string): void {
  const deadline = Date.now() + 5_000;
  for (;;) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || Date.now() > deadline) throw error;
    }
  }
}

/** Puts in front of a command that is to run in a group: `sh` becomes the command. */
export function inCgroup(folder: string): string[] {
  return ['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', folder];
}

/** Runs a program in a group to its end. */
export async function runInCgroup(folder: string, ...command: string[]): Promise<void> {
  const [program = '', ...args] = [...inCgroup(folder), ...command];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${command.join(' ')} failed (${String(code)})`);
}
