import type { AppConfig, FilterRule } from '../../config/index.ts';
import { cgroupIdsAt, type CgroupHierarchy } from '../host/cgroup-hierarchies.ts';
import type { KernelFilter, KernelFilterRule } from '../source/filter.ts';
import type { Subnet } from '../source/subnet.ts';

type Filter = AppConfig['filter'];

/**
 * The filter as the kernel takes it. A cgroup's path begins at the mount point of any of `hierarchies`;
 * a folder that is not there matches nothing until it is made.
 */
export function kernelFilterOf(filter: Filter, hierarchies: readonly CgroupHierarchy[]): KernelFilter {
  const rules = (list: readonly FilterRule[]): KernelFilterRule[] =>
    list.map((rule) => kernelRuleOf(rule, hierarchies));
  return { include: rules(filter.include), exclude: rules(filter.exclude) };
}

/** Paths that name no cgroup at present. */
function missingCgroups(filter: Filter, compiled: KernelFilter): string[] {
  const missing = (rules: readonly FilterRule[], kernel: readonly KernelFilterRule[]): string[] =>
    rules.flatMap(({ cgroup }, i) => (kernel[i]?.cgroupIds?.length === 0 ? [cgroup ?? ''] : []));
  return [...missing(filter.include, compiled.include), ...missing(filter.exclude, compiled.exclude)];
}

/** False also when a cgroup was made again under its path: its id is another. */
function isSameFilter(a: KernelFilter, b: KernelFilter): boolean {
  const text = (filter: KernelFilter): string =>
    JSON.stringify(filter, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  return text(a) === text(b);
}

export interface LiveFilterOptions {
  readonly hierarchies: readonly CgroupHierarchy[];
  apply(filter: KernelFilter): void;
  /** Told once of a path that names no cgroup. */
  onMissing(path: string): void;
}

/** The filter in force. Cgroups are made and made again under one path: `check` follows them. */
export class LiveFilter {
  readonly #options: LiveFilterOptions;
  #filter: Filter;
  #compiled: KernelFilter;
  readonly #told = new Set<string>();

  /** `filter` is in force already. */
  constructor(filter: Filter, options: LiveFilterOptions) {
    this.#options = options;
    this.#filter = filter;
    this.#compiled = kernelFilterOf(filter, options.hierarchies);
    this.#tellMissing();
  }

  set(filter: Filter): void {
    this.#filter = filter;
    this.check();
  }

  /** Looks for the cgroups again. */
  check(): void {
    const compiled = kernelFilterOf(this.#filter, this.#options.hierarchies);
    if (isSameFilter(compiled, this.#compiled)) return;
    this.#compiled = compiled;
    this.#tellMissing();
    this.#options.apply(compiled);
  }

  #tellMissing(): void {
    const missing = missingCgroups(this.#filter, this.#compiled);
    for (const path of missing) if (!this.#told.has(path)) this.#options.onMissing(path);
    this.#told.clear();
    for (const path of missing) this.#told.add(path);
  }
}

function kernelRuleOf(rule: FilterRule, hierarchies: readonly CgroupHierarchy[]): KernelFilterRule {
  const { port, local_port: localPort, remote_port: remotePort, cidr, pid, command, cgroup, netns } = rule;
  return {
    ...(port !== undefined && { port }),
    ...(localPort !== undefined && { localPort }),
    ...(remotePort !== undefined && { remotePort }),
    ...(cidr !== undefined && { subnet: subnetOf(cidr) }),
    ...(pid !== undefined && { pid }),
    ...(command !== undefined && { command }),
    ...(netns !== undefined && { netns }),
    ...(cgroup !== undefined && { cgroupIds: cgroupIdsAt(hierarchies, cgroup) }),
  };
}

/** Canonical CIDR text, as the configuration has checked it. */
function subnetOf(cidr: string): Subnet {
  const [address = '', length = ''] = cidr.split('/');
  return { address, prefixLength: Number(length), family: address.includes(':') ? 'ipv6' : 'ipv4' };
}
