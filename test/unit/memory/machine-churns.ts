import { createCgroupIndex } from '../../../receiver/host/cgroup-index.ts';
import { createEnricher } from '../../../receiver/enrich/enricher.ts';
import { KernelSymbols } from '../../../receiver/host/kernel-symbols.ts';
import { LocalAddressCache } from '../../../receiver/host/local-addresses.ts';
import { host } from '../host/proc-fixture.ts';
import { churnOf, HELD, MAX_OWNERS, ownerOf, type Churn } from './churn.ts';

/** What is remembered of the machine: processes, control groups, addresses, functions of the kernel. */
export const MACHINE_CHURNS: readonly Churn[] = [
  churnOf('cgroups', () => {
    const cgroups = createCgroupIndex({ maxEntries: MAX_OWNERS, now: () => 0 });
    return (index) => cgroups.learn(BigInt(2 + index), { containerId: 'c'.repeat(64) });
  }),
  churnOf('local addresses', () => {
    const cache = new LocalAddressCache(() => ({ has: () => true, count: 1 }));
    return (index) => {
      cache.of(index, 1);
      if (index % HELD === 0) cache.clear();
    };
  }),
  churnOf('functions of the kernel', () => {
    const symbols = new KernelSymbols({ symbols: '/dev/null', modules: '/dev/null' });
    return (index) => void symbols.functionAt(BigInt(index));
  }),
  churnOf('processes and their resources', () => {
    const enricher = createEnricher({
      procRoot: '/nonexistent',
      host,
      granularity: 'auto',
      maxEntries: MAX_OWNERS,
      maxResources: 2_000,
      foldShortLived: true,
      bootToUnixNs: () => 0n,
      now: () => 0,
    });
    return (index) => {
      enricher.observe(ownerOf(index));
      enricher.forget(ownerOf(index - HELD));
    };
  }),
];
