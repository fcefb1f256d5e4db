import { readFileSync } from 'node:fs';

/** What the machine has for this process. */
export interface ProcessLimits {
  /** `RLIMIT_NOFILE`. */
  readonly openFiles: number;
  /** The least of what the machine and every control group around the process allow. */
  readonly memoryBytes: number;
}

/** Reads a file; throws when it cannot. */
type ReadText = (path: string) => string;

const readText: ReadText = (path) => readFileSync(path, 'utf8');

/** What cannot be read counts as without a limit. */
export function readLimits(read: ReadText = readText): ProcessLimits {
  const text = (path: string): string => {
    try {
      return read(path);
    } catch {
      return '';
    }
  };
  const files = /^Max open files\s+(\d+)/m.exec(text('/proc/self/limits'))?.[1];
  const machine = /^MemTotal:\s+(\d+) kB/m.exec(text('/proc/meminfo'))?.[1];
  const machineBytes = machine === undefined ? Infinity : Number(machine) * 1024;
  const groups = groupFolders(text('/proc/self/cgroup')).map((folder) => text(`${folder}/memory.max`));
  const limits = groups.map(Number).filter((bytes) => bytes > 0);
  return {
    openFiles: Number(files ?? Infinity),
    memoryBytes: limits.reduce((least, bytes) => Math.min(least, bytes), machineBytes),
  };
}

/** The folders of the process's control group of version 2, and of those around it. */
function groupFolders(text: string): string[] {
  const path = /^0::(\/.*)$/m.exec(text)?.[1] ?? '/';
  const names = path.split('/').filter((name) => name !== '');
  return names.map((_, i) => `/sys/fs/cgroup/${names.slice(0, i + 1).join('/')}`);
}
