import type { AppConfig } from '../../config/index.ts';
import { VERSION } from '../../semconv/index.ts';
import type { MetricStore } from '../aggregate/metric-store.ts';
import type { Clock } from '../model/clock.ts';
import { readCgroupNames } from '../decode/cgroup-names.ts';
import { readExecNames, type ExecNames } from '../decode/exec-names.ts';
import { CGROUP_NAMES, EXEC_NAMES } from '../decode/generated/layout.ts';
import { findCgroup2Mount } from '../host/cgroup-index.ts';
import { createEnricher, type Enricher } from '../enrich/enricher.ts';
import type { Machine } from '../host/machine.ts';
import type { Kernel } from '../source/kernel.ts';
import type { Owner } from '../model/resource.ts';
import { u32, u64 } from '../source/number-bytes.ts';
import { ThreadLayouts } from './thread-layouts.ts';

/** What the enricher needs of the rest; `store` is asked for later, as it needs the enricher's host. */
export interface EnricherParts {
  readonly clock: Clock;
  readonly store: MetricStore;
}

/** Where facts come from. */
interface FactSources {
  readonly source: Kernel;
  readonly machine: Machine;
}

/** The enricher of this host, by the settings. */
export function createPipelineEnricher(
  { source, machine }: FactSources,
  config: AppConfig,
  parts: EnricherParts,
): Enricher {
  return createEnricher({
    cgroupRoot: findCgroup2Mount('/proc'),
    cgroupPathOf: (cgroupId) => {
      const names = new Uint8Array(CGROUP_NAMES.size);
      return source.lookup('cgroups', u64(cgroupId), names) ? readCgroupNames(names) : undefined;
    },
    startedWith: (owner) => namesAtStart(source, owner),
    readers: machine,
    host: machine.facts(VERSION),
    granularity: config.resourceGranularity,
    foldShortLived: config.foldShortLived,
    readsContexts: config.readsContexts,
    threads: config.correlation.threadContext ? new ThreadLayouts(source) : undefined,
    maxResources: config.resourceLimit,
    exportedBytes: () => parts.store.resourceBytes(),
    retire: (resourceId) => parts.store.retire(resourceId),
    maxEntries: config.bpf.maxOwners,
    bootToUnixNs: (boottimeNs) => parts.clock.bootToUnixNs(boottimeNs),
    now: () => Number(machine.steadyNs()) / 1e6,
  });
}

/** The names of this very program, not of one that had its pid or ran in its process. */
function namesAtStart(source: Kernel, { pid, startNs, execs }: Owner): ExecNames | undefined {
  const value = new Uint8Array(EXEC_NAMES.size);
  if (!source.lookup('exec_names', u32(pid), value)) return undefined;
  const names = readExecNames(value);
  return names.startNs === startNs && names.execs === execs ? names : undefined;
}
