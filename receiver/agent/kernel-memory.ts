import { FAMILIES } from '../signals/index.ts';
import type { KernelMap } from '../signals/kernel.ts';
import { mapMemory } from '../source/map-memory.ts';
import type { KernelOptions } from '../source/kernel-options.ts';
import { mapSizes } from '../source/map-sizes.ts';

/** Bytes of the kernel's maps: those that one setting decides, from the start on. */
export interface KernelMemory {
  readonly ringBuffer: number;
  readonly series: number;
  readonly owners: number;
  /** The table of sockets, while it is empty. */
  readonly sockets: number;
  /** What that table takes more when it is full. */
  readonly socketsFull: number;
  /** All other maps. */
  readonly rest: number;
}

/** On Linux 6.2 and later, where tracing programs load. `cpus`: that the machine can have. */
export function kernelMemory(options: KernelOptions, cpus: number): KernelMemory {
  const plan = { attached: [], arities: {}, isConnTable: true };
  const { atStart, onDemand } = mapMemory(mapSizes(options, plan), cpus);
  const take = (name: string): number => atStart.get(name) ?? 0;
  const sized = FAMILIES.flatMap(({ kernelMaps = [] }) => kernelMaps);
  const takeBy = (setting: KernelMap['sizedBy']): number =>
    sum(sized.filter(({ sizedBy }) => sizedBy === setting).map(({ name }) => take(name)));
  const parts = {
    ringBuffer: take('events'),
    series: takeBy('series'),
    owners: take('owners'),
    sockets: takeBy('sockets'),
  };
  return {
    ...parts,
    socketsFull: sum(
      sized.filter(({ sizedBy }) => sizedBy === 'sockets').map(({ name }) => onDemand.get(name) ?? 0),
    ),
    rest: sum(atStart.values()) - sum(Object.values(parts)),
  };
}

function sum(all: Iterable<number>): number {
  return [...all].reduce((total, bytes) => total + bytes, 0);
}
