import { readCgroupNames } from '../decode/cgroup-names.ts';
import { CGROUP_NAMES } from '../decode/generated/layout.ts';
import { readCgroupPath } from '../host/cgroup-path.ts';
import { readProcessCgroup, type ProcessCgroup } from '../host/process-cgroup.ts';
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
    const found = this.#noted(owner) ?? readProcessCgroup(this.#procRoot, owner.pid, owner.startNs);
    if (found !== undefined) this.#known.set(id, found);
    return found;
  }

  #noted({ cgroupId }: Owner): ProcessCgroup | undefined {
    if (cgroupId === 0n || cgroupId === ROOT_ID) return undefined;
    const names = new Uint8Array(CGROUP_NAMES.size);
    const path = this.#source.lookup('cgroups', u64(cgroupId), names) ? readCgroupNames(names) : undefined;
    return path === undefined ? undefined : { path, containerId: readCgroupPath(path).containerId };
  }
}
