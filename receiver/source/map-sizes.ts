import { FAMILIES } from '../signals/index.ts';
import type { Chosen } from '../signals/kernel.ts';
import type { KernelOptions } from './kernel-options.ts';

/** Entries (of `events`: bytes) of the maps that do not have the size that the object declares. */
export function mapSizes(options: KernelOptions, plan: Chosen): Readonly<Record<string, number>> {
  const sizes: Record<string, number> = { events: options.ringBufferBytes, owners: options.maxOwners };
  for (const { name, entries } of FAMILIES.flatMap(({ kernelMaps = [] }) => kernelMaps)) {
    const wanted = entries?.(options, plan);
    if (wanted !== undefined) sizes[name] = wanted;
  }
  return sizes;
}
