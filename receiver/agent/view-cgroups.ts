import { readCgroupNames } from '../decode/cgroup-names.ts';
import { CGROUP_NAMES, CGROUP_NAMES_LENGTH } from '../decode/generated/layout.ts';
import { readCgroupPath } from '../host/cgroup-path.ts';
import { readProcessCgroup, readProcessCgroups, type ProcessCgroup } from '../host/process-cgroup.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import { processId } from '../model/ids.ts';
import type { Owner } from '../model/resource.ts';
import type { Kernel } from '../source/kernel.ts';
import { u64 } from '../source/number-bytes.ts';

/** The root of cgroup v2: on a host that uses v1, everybody is there. */
const ROOT_ID = 1n;

/** The control groups of processes: as the kernel noted them at an event, else as `/proc` has them. */
export class ViewCgroups {
  readonly #source: Pick<Kernel, 'lookup'>;
  readonly #known: BoundedCache<string, ProcessCgroup>;
  readonly #procRoot: string;

  constructor(source: Pick<Kernel, 'lookup'>, maxRemembered: number, procRoot = '/proc') {
    this.#source = source;
    this.#known = new BoundedCache(maxRemembered);
    this.#procRoot = procRoot;
  }

  /** Undefined: it is not known, and the process is gone. */
  of(owner: Owner): ProcessCgroup | undefined {
    if (owner.pid === 0) return undefined;
    const id = processId(owner);
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const found = this.#find(owner);
    if (found !== undefined) this.#known.set(id, found);
    return found;
  }

  /** Whether it is in the control group that has this path below a mount point, or in one below. */
  isIn(owner: Owner, path: string): boolean {
    if (owner.pid === 0) return false;
    const here = readProcessCgroups(this.#procRoot, owner.pid, owner.startNs);
    const noted = this.#notedPath(owner);
    return here.some((each) => isBelow(each, path)) || (noted !== undefined && isEndBelow(noted, path));
  }

  /** Where a host has both versions the kernel notes version 2 alone, and its container may be in the other one. */
  #find(owner: Owner): ProcessCgroup | undefined {
    const noted = this.#noted(owner);
    if (noted?.containerId !== undefined) return noted;
    const here = readProcessCgroup(this.#procRoot, owner.pid, owner.startNs);
    return noted === undefined ? here : { ...noted, containerId: here?.containerId };
  }

  #noted(owner: Owner): ProcessCgroup | undefined {
    const path = this.#notedPath(owner);
    return path === undefined ? undefined : { path, containerId: readCgroupPath(path).containerId };
  }

  #notedPath({ cgroupId }: Owner): string | undefined {
    if (cgroupId === 0n || cgroupId === ROOT_ID) return undefined;
    const names = new Uint8Array(CGROUP_NAMES.size);
    return this.#source.lookup('cgroups', u64(cgroupId), names) ? readCgroupNames(names) : undefined;
  }
}

function isBelow(path: string, folder: string): boolean {
  const prefix = folder.endsWith('/') ? folder : `${folder}/`;
  return `${path}/`.startsWith(prefix);
}

/** The kernel notes the last names of a path alone: of a deeper one they begin with the last names of the folder. */
function isEndBelow(end: string, folder: string): boolean {
  if (isBelow(end, folder)) return true;
  const names = end.split('/').slice(1);
  const wanted = folder.split('/').filter((name) => name !== '');
  if (names.length < CGROUP_NAMES_LENGTH.name) return false;
  return names.some(
    (_, i) =>
      i > 0 && i < wanted.length && wanted.slice(-1 - i).join('/') === names.slice(0, i + 1).join('/'),
  );
}
