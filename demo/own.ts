/** How the demo's processes run: the terminal's Ctrl-C reaches the demo alone, which ends them in order, and none outlives it. */
import type { BackEndOptions } from '../test/backends/process.ts';
import { inCgroup } from '../test/support/cgroups.ts';

/** `nobody`, whom nothing on this machine belongs to: as root PostgreSQL refuses to run. */
export const NOBODY = 65_534;

/** A machine may have more to do than a demo. */
const READY_WITHIN_MS = 60_000;

/** Where a process is put, and whose it is; default: the demo's own control group and user. */
export interface OwnOptions {
  readonly cgroup?: string;
  readonly user?: number;
}

/** Options of the start of a process. */
export function own({ cgroup, user }: OwnOptions = {}): Pick<
  BackEndOptions,
  'launcher' | 'isApart' | 'readyWithinMs'
> {
  const ids = user === undefined ? [] : [`--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  const group = cgroup === undefined ? [] : inCgroup(cgroup);
  return {
    isApart: true,
    readyWithinMs: READY_WITHIN_MS,
    launcher: [...group, 'setpriv', '--pdeathsig=KILL', ...ids, '--'],
  };
}
