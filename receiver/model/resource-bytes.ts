import type { ObservedResource } from './resource.ts';

/** Bytes of its keys and values as they leave: what a resource costs in memory and in each export. */
export function resourceBytes({ attributes }: Pick<ObservedResource, 'attributes'>): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(attributes))
    bytes += Buffer.byteLength(key) + (typeof value === 'string' ? Buffer.byteLength(value) : 8);
  return bytes;
}
