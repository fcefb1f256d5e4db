import { availableParallelism } from 'node:os';
import { SERIES, SERIES_KEY } from '../decode/generated/layout.ts';
import type { ProcessLimits } from '../host/limits.ts';
import type { KernelOptions } from '../source/kernel-options.ts';
import { kernelMemory } from './kernel-memory.ts';

/** Files that the agent has open at once, with some to spare: programs, maps, links, connections, files of /proc. */
const MIN_OPEN_FILES = 256;

/** A sentence for the user when what the settings ask for cannot be had here. */
export function limitProblem(
  options: KernelOptions,
  limits: ProcessLimits,
  cpus = availableParallelism(),
): string | undefined {
  if (limits.openFiles < MIN_OPEN_FILES)
    return `This process may have ${limits.openFiles} files open, and the agent needs ${MIN_OPEN_FILES}: raise the limit (LimitNOFILE= in systemd, ulimit -n).`;
  const parts = partsOf(options, cpus);
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= limits.memoryBytes) return undefined;
  const largest = parts.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  return `The kernel maps that the settings ask for take ${mebibytes(total)}, and this process can have ${mebibytes(limits.memoryBytes)}: lower ${largest.setting} (${largest.value} takes ${mebibytes(largest.bytes)}).`;
}

interface Part {
  readonly setting: string;
  readonly value: number;
  readonly bytes: number;
}

/** What is taken when the maps are made, whether it is used or not, of what a setting can lower. */
function partsOf(options: KernelOptions, cpus: number): Part[] {
  const { ringBuffer, series, owners } = kernelMemory(options, cpus);
  // Once in the kernel, and once where the agent reads all rows at a time.
  const rowsRead = options.maxSeries * (SERIES.size + SERIES_KEY.size);
  return [
    { setting: 'bpf.ring_buffer_size', value: options.ringBufferBytes, bytes: ringBuffer },
    { setting: 'bpf.max_series', value: options.maxSeries, bytes: series + rowsRead },
    { setting: 'bpf.max_owners', value: options.maxOwners, bytes: owners },
  ];
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
