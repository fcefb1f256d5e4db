import { parseCidr, type AppConfig } from '../../config/index.ts';
import { ATTR_CODE_STACKTRACE, METRIC_SOFTIRQ_TIME, METRIC_TCP_SUBNET_IO } from '../../semconv/index.ts';
import type { CgroupHierarchy } from '../host/cgroup-hierarchies.ts';
import { kernelOptionsOf } from '../settings/kernel.ts';
import type { KernelOptions } from '../source/kernel-options.ts';
import { SUBNETS } from '../views/tcpsubnet.ts';

/** What a view and the agent with these settings need together: every event, and the sums that views show. */
export function recordedSettings(config: AppConfig, isMasked: boolean): AppConfig {
  const metrics = new Map(config.metrics);
  for (const { name } of [METRIC_SOFTIRQ_TIME, METRIC_TCP_SUBNET_IO]) metrics.set(name, true);
  const { otlpTap: _, views: __, ...rest } = config;
  return {
    ...rest,
    metrics,
    events: new Map([...config.events.keys()].map((name) => [name, 'on'])),
    attributes: new Set([...config.attributes, ATTR_CODE_STACKTRACE]),
    subnets: config.subnets.length > 0 ? config.subnets : SUBNETS.split(',').map(parseCidr),
    // Header blocks of clients may hold addresses.
    correlation: { ...config.correlation, http2: config.correlation.http2 && !isMasked },
    addresses: 'full',
    ...NOT_RECORDED,
  };
}

/** What the kernel is asked for when it is recorded. */
export function recordedKernelOptions(
  config: AppConfig,
  hierarchies: readonly CgroupHierarchy[],
): KernelOptions {
  // Records of living connections are for views alone.
  return { ...kernelOptionsOf(config, hierarchies, { earlyStates: true }), isViewed: true };
}

/** Settings under which a recording of these subnets is replayed. */
export function replayedSettings(config: AppConfig, subnets: readonly string[]): AppConfig {
  const { otlpTap: _, views: __, ...rest } = config;
  const metrics = new Map(config.metrics);
  // Nobody asked for it; the recording has it for a view.
  if (config.subnets.length === 0) metrics.set(METRIC_TCP_SUBNET_IO.name, false);
  return {
    ...rest,
    metrics,
    subnets: subnets.map(parseCidr),
    // Processes of the recording are none of this machine: nobody's memory is read.
    correlation: { ...config.correlation, threadContext: false },
    ...NOT_RECORDED,
  };
}

/** What processes publish in their memory is read beside all that is recorded. */
const NOT_RECORDED = { readsContexts: false, output: 'none' } as const;
