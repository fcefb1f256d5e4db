import { parseCidr, type FilterRule } from '../../config/index.ts';
import type { CgroupHierarchy } from '../host/cgroup-hierarchies.ts';
import { viewKernelOptions } from '../settings/view.ts';
import type { KernelOptions } from '../source/kernel-options.ts';
import type { ViewNeeds } from '../views/view.ts';

/** What a view asks of the kernel, limited to `include`; what it does not name it has no need of. */
export function kernelOptionsOf(
  needs: ViewNeeds,
  include: readonly FilterRule[],
  hierarchies: readonly CgroupHierarchy[],
): KernelOptions {
  const { events, attributes = [], packets, sums, withoutSockets = false } = needs;
  const { traces = false, exchanges = false, costly = false, dnsAnswers = false } = needs;
  return viewKernelOptions(
    {
      events,
      attributes,
      traces,
      exchanges,
      costly,
      packets,
      dnsAnswers,
      withoutSockets,
      metrics: sums?.metrics ?? [],
      live: sums?.live ?? false,
      samples: sums?.samples,
      subnets: (sums?.subnets ?? []).map(parseCidr),
      include,
    },
    hierarchies,
  );
}
