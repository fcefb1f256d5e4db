/** A control group with a limit of memory, of version 2 or of version 1. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCgroup } from '../support/cgroups.ts';
import type { Cleanup } from '../support/cleanup.ts';

/** What is in it; `folder` for `inCgroup`. */
export interface MemoryCgroup {
  readonly folder: string;
  /** Bytes charged now, memory of the kernel included. */
  readonly used: () => number;
  /** The most that was charged at once, as the kernel noted it. */
  readonly peak: () => number;
  /** Processes that the kernel killed for its sake. */
  readonly kills: () => number;
}

const V1 = {
  limit: 'memory.limit_in_bytes',
  used: 'memory.usage_in_bytes',
  peak: 'memory.max_usage_in_bytes',
  events: 'memory.oom_control',
};
const V2 = { limit: 'memory.max', used: 'memory.current', peak: 'memory.peak', events: 'memory.events' };

/** Undefined on a machine whose memory no hierarchy controls. */
export function makeMemoryCgroup(
  cleanup: Cleanup,
  name: string,
  limitBytes: number,
): MemoryCgroup | undefined {
  const mount = findMount();
  if (mount === undefined) return undefined;
  const folder = makeCgroup(cleanup, mount, name);
  const files = existsSync(join(folder, V2.limit)) ? V2 : V1;
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
  writeFileSync(join(folder, files.limit), String(limitBytes));
  return {
    folder,
    used: () => Number(read(files.used)),
    peak: () => Number(read(files.peak)),
    kills: () => Number(/^oom_kill (\d+)$/m.exec(read(files.events))?.[1] ?? NaN),
  };
}

function findMount(): string | undefined {
  for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
    const [, path = '', type, options = ''] = line.split(' ');
    if (type === 'cgroup' && options.split(',').includes('memory')) return path;
    const control = join(path, 'cgroup.subtree_control');
    if (type === 'cgroup2' && existsSync(control) && readFileSync(control, 'utf8').includes('memory'))
      return path;
  }
  return undefined;
}
