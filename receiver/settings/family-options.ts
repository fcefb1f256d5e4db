import { FAMILIES, type FamilyOptions } from '../signals/index.ts';
import type { Wanted } from '../signals/kernel.ts';

/** The options of all families in one; groups of one name (`emit`, `details`) are put together. */
export function familyOptionsOf(wanted: Wanted): FamilyOptions {
  const all: Partial<Record<string, unknown>> = {};
  for (const options of FAMILIES.map((family) => family.options(wanted)))
    for (const [name, value] of Object.entries(options) as [string, unknown][])
      all[name] = typeof value === 'object' ? { ...(all[name] as object | undefined), ...value } : value;
  return all as unknown as FamilyOptions;
}
