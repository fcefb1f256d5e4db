import { ConfigError } from '../../config/index.ts';
import type { CgroupHierarchy } from '../host/cgroup-hierarchies.ts';
import { findContainers } from '../host/container-cgroups.ts';
import type { ViewArguments } from '../views/options.ts';

/** Digits of an id in a message, as runtimes show them. */
const SHORT_ID = 12;

/** What is said of one that has no such folder. */
export function noCgroup(path: string): string {
  return `there is no cgroup ${path}: nothing is shown until it is made`;
}

/**
 * The control group whose processes a view shows: the one that `--cgroup` names, or the container's; undefined: any.
 * @throws ConfigError when there is no such container, or more than one
 */
export function cgroupOf(
  view: string,
  args: ViewArguments,
  hierarchies: readonly CgroupHierarchy[],
): string | undefined {
  const prefix = args.text('container');
  const cgroup = args.text('cgroup');
  if (prefix === undefined) return cgroup;
  const fail = (problem: string): never => {
    throw new ConfigError([{ subject: `wirespan ${view}: --container ${prefix}`, problem }]);
  };
  if (cgroup !== undefined) fail('does not go with --cgroup: give one of them');
  const { paths, isCut } = findContainers(hierarchies, prefix);
  const [first, ...more] = paths;
  if (more.length > 0) {
    const ids = [...paths.keys()].map((id) => id.slice(0, Math.max(SHORT_ID, prefix.length + 1)));
    fail(`is the beginning of ${String(ids.length)} ids: ${ids.slice(0, 5).join(', ')}; give more digits`);
  }
  const where = isCut ? '; there are too many cgroups to look at all: give --cgroup' : '';
  return first?.[1] ?? fail(`is the beginning of no id: no cgroup here is of such a container${where}`);
}
