import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CgroupHierarchy } from './cgroup-hierarchies.ts';
import { readCgroupPath } from './cgroup-path.ts';

export interface FoundContainers {
  /** Paths below a mount point, by the ids of containers. */
  readonly paths: ReadonlyMap<string, string>;
  /** There were more folders than were looked at. */
  readonly isCut: boolean;
}

/**
 * Containers whose id (64 hex digits) begins with `prefix`, by the names of their control groups. Those in a container
 * are its own. Looks at `maxFolders` in each hierarchy at most.
 */
export function findContainers(
  hierarchies: readonly CgroupHierarchy[],
  prefix: string,
  maxFolders = 10_000,
): FoundContainers {
  const paths = new Map<string, string>();
  let isCut = false;
  for (const { root } of hierarchies) {
    const pending = ['/'];
    let folders = 0;
    for (let path = pending.pop(); path !== undefined && !isCut; path = pending.pop()) {
      folders += 1;
      const { containerId } = readCgroupPath(path);
      if (containerId === undefined) for (const below of subfolders(root, path)) pending.push(below);
      else if (containerId.startsWith(prefix) && !paths.has(containerId)) paths.set(containerId, path);
      isCut = folders >= maxFolders && pending.length > 0;
    }
  }
  return { paths, isCut };
}

function subfolders(root: string, path: string): string[] {
  try {
    return readdirSync(join(root, path), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(path, name));
  } catch {
    return []; // it is gone
  }
}
