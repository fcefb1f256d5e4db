import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CGROUP_ID, FILTER_LIMIT } from '../decode/generated/layout.ts';

/** A mounted tree of control groups. */
export interface CgroupHierarchy {
  /** Mount point. */
  readonly root: string;
  /** 0: cgroup v2. */
  readonly number: number;
}

/**
 * Cgroup v2 and the hierarchies of cgroup v1 that have a controller, as this process sees them
 * mounted. `procRoot`: usually `/proc`.
 */
export function findCgroupHierarchies(procRoot: string): CgroupHierarchy[] {
  const mounts = linesOf(join(procRoot, 'self', 'mounts')).map((line) => line.split(' '));
  const numbers = new Map<string, number>();
  for (const line of linesOf(join(procRoot, 'self', 'cgroup'))) {
    const [number = '', controllers = ''] = line.split(':');
    if (controllers.startsWith('name=')) continue;
    for (const controller of controllers.split(',')) numbers.set(controller, Number(number));
  }
  const found = new Map<number, CgroupHierarchy>();
  for (const [, root = '', type, options = ''] of mounts) {
    const number = type === 'cgroup2' ? 0 : type === 'cgroup' ? numberOf(options, numbers) : undefined;
    // A tree may be mounted again; the first place is the usual one.
    if (number !== undefined && !found.has(number)) found.set(number, { root: unescaped(root), number });
  }
  // There are fewer controllers than that.
  return [...found.values()].slice(0, FILTER_LIMIT.FILTER_HIERARCHIES);
}

/**
 * Ids of the groups that have this path below a mount point, as the kernel has them: the inode number of the folder, and
 * the hierarchy in the uppermost byte.
 */
export function cgroupIdsAt(hierarchies: readonly CgroupHierarchy[], path: string): bigint[] {
  return hierarchies.flatMap(({ root, number }) => {
    try {
      const stat = statSync(join(root, path), { bigint: true });
      return stat.isDirectory()
        ? [BigInt.asUintN(64, stat.ino | (BigInt(number) << BigInt(CGROUP_ID.CGROUP_HIERARCHY_BIT)))]
        : [];
    } catch {
      return [];
    }
  });
}

function numberOf(options: string, numbers: ReadonlyMap<string, number>): number | undefined {
  for (const option of options.split(',')) {
    const number = numbers.get(option);
    if (number !== undefined && number > 0) return number;
  }
  return undefined;
}

/** Blanks and the like are octal in `mounts`. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}
