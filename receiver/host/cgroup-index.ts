import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BoundedCache } from '../model/bounded-cache.ts';
import { readCgroupPath, type ContainerIdentity } from './cgroup-path.ts';

/** From a cgroup's id to the container in it, for processes that are gone already. */
export interface CgroupIndex {
  /** Learned in passing from a process that was still there. */
  learn(cgroupId: bigint, container: ContainerIdentity): void;
  find(cgroupId: bigint): ContainerIdentity | undefined;
  /** Walks of the cgroup tree, and those that met the bound. */
  readonly counters: { walks: number; walksTruncated: number };
}

export interface CgroupIndexOptions {
  /** The path that the kernel noted of a cgroup when it met a process in it. */
  readonly pathOf?: ((cgroupId: bigint) => string | undefined) | undefined;
  /** Mount point of cgroup v2; absent: only what was learned is known. */
  readonly root?: string | undefined;
  readonly maxEntries: number;
  /** Folders looked at in one walk; default 10,000. */
  readonly maxFolders?: number;
  /** Milliseconds, any steady origin. */
  readonly now: () => number;
}

/** The root of every hierarchy has this number: everybody on a host without cgroup v2 is there. */
const rootId = 1n;
const walkIntervalMs = 10_000;
const defaultMaxFolders = 10_000;

/** A group of which the kernel noted nothing: the tree is walked, at most every ten seconds and at most `maxFolders`. */
export function createCgroupIndex(options: CgroupIndexOptions): CgroupIndex {
  const { root, maxFolders = defaultMaxFolders } = options;
  const known = new BoundedCache<bigint, ContainerIdentity>(options.maxEntries);
  const counters = { walks: 0, walksTruncated: 0 };
  let lastWalkMs = Number.NEGATIVE_INFINITY;

  const walk = (top: string): void => {
    counters.walks += 1;
    const pending = [top];
    let folders = 0;
    for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
      folders += 1;
      if (folders > maxFolders) {
        counters.walksTruncated += 1;
        return;
      }
      const id = inodeOf(folder);
      if (id !== undefined) known.set(id, readCgroupPath(`/${relative(top, folder)}`));
      for (const below of subfolders(folder)) if (pending.length < maxFolders) pending.push(below);
    }
  };

  return {
    counters,
    learn: (cgroupId, container) => {
      if (!isRoot(cgroupId)) known.set(cgroupId, container);
    },
    find(cgroupId) {
      if (isRoot(cgroupId)) return undefined;
      const found = known.get(cgroupId);
      if (found !== undefined) return found;
      const path = options.pathOf?.(cgroupId);
      if (path !== undefined) {
        const container = readCgroupPath(path);
        known.set(cgroupId, container);
        return container;
      }
      if (root === undefined) return undefined;
      const nowMs = options.now();
      if (nowMs - lastWalkMs < walkIntervalMs) return undefined;
      lastWalkMs = nowMs;
      walk(root);
      return known.get(cgroupId);
    },
  };
}

function isRoot(cgroupId: bigint): boolean {
  return cgroupId === 0n || cgroupId === rootId;
}

/** Mount point of cgroup v2 in the text of `/proc/self/mounts`; also of a hybrid host. */
export function findCgroup2Mount(procRoot: string): string | undefined {
  try {
    for (const line of readFileSync(join(procRoot, 'self', 'mounts'), 'utf8').split('\n')) {
      const [, path, type] = line.split(' ');
      if (type === 'cgroup2') return path;
    }
  } catch {
    return undefined;
  }
  return undefined;
}

/** The inode number of a cgroup's folder is the id that the kernel reports. */
function inodeOf(folder: string): bigint | undefined {
  try {
    return statSync(folder, { bigint: true }).ino;
  } catch {
    return undefined;
  }
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name));
  } catch {
    return [];
  }
}
