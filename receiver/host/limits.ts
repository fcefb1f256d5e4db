import { readFileSync } from 'node:fs';
import type { KernelOptions } from '../source/knobs.ts';
import { OWNER_INFO, OWNER_KEY, SERIES, SERIES_KEY } from '../decode/generated/layout.ts';

/** Files that the agent has open at once, with some to spare: programs, maps, links, connections, files of /proc. */
const MIN_OPEN_FILES = 256;
/** What the kernel adds to an entry of a hash. */
const ENTRY_BYTES = 64;

/** What the machine has for this process. */
export interface Room {
  /** `RLIMIT_NOFILE`. */
  readonly openFiles: number;
  /** The least of what the machine and every control group around the process allow. */
  readonly memoryBytes: number;
}

/** Reads a file; throws when it cannot. */
export type ReadText = (path: string) => string;

const readText: ReadText = (path) => readFileSync(path, 'utf8');

/** What cannot be read counts as without a limit. */
export function readRoom(read: ReadText = readText): Room {
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

/** A sentence for the user when what the settings ask for cannot be had here. */
export function roomProblem(options: KernelOptions, room: Room): string | undefined {
  if (room.openFiles < MIN_OPEN_FILES)
    return `This process may have ${room.openFiles} files open, and the agent needs ${MIN_OPEN_FILES}: raise the limit (LimitNOFILE= in systemd, ulimit -n).`;
  const parts = mapBytes(options);
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= room.memoryBytes) return undefined;
  const largest = parts.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  return `The kernel maps that the settings ask for take ${mebibytes(total)}, and this process can have ${mebibytes(room.memoryBytes)}: lower ${largest.setting} (${largest.value} takes ${mebibytes(largest.bytes)}).`;
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

interface Part {
  readonly setting: string;
  readonly value: number;
  readonly bytes: number;
}

/** What is taken when the maps are made, whether it is used or not. */
function mapBytes({ ringBufferBytes, maxSeries, maxOwners }: KernelOptions): Part[] {
  const part = (setting: string, value: number, bytesEach: number): Part => ({
    setting,
    value,
    bytes: value * bytesEach,
  });
  return [
    part('bpf.ring_buffer_size', ringBufferBytes, 1),
    // Once in the kernel, and once where the agent reads all rows at a time.
    part('bpf.max_series', maxSeries, ENTRY_BYTES + 2 * (SERIES.size + SERIES_KEY.size)),
    part('bpf.max_owners', maxOwners, ENTRY_BYTES + OWNER_INFO.size + OWNER_KEY.size),
  ];
}
