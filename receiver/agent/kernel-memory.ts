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
  const parts = {
    ringBuffer: take('events'),
    series: take('series') + take('receives'),
    owners: take('owners'),
    sockets: take('connections'),
  };
  const sum = (all: Iterable<number>): number => [...all].reduce((total, bytes) => total + bytes, 0);
  const rest = sum(atStart.values()) - sum(Object.values(parts));
  return { ...parts, socketsFull: onDemand.get('connections') ?? 0, rest };
}
