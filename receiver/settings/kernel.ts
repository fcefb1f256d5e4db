import { PROFILES, type AppConfig } from '../../config/index.ts';
import type { CgroupHierarchy } from '../host/cgroup-hierarchies.ts';
import type { Wanted } from '../signals/kernel.ts';
import type { KernelOptions } from '../source/kernel-options.ts';
import { familyOptionsOf } from './family-options.ts';
import { kernelFilterOf } from './filter.ts';
import { packetsOf } from './packets.ts';

/** Who makes room for no more sockets has little memory, of which verifying programs side by side takes more. */
const FEW_SOCKETS = PROFILES.small['bpf.max_sockets'];

/**
 * What the kernel must tell for what the settings ask: a record that nobody needs is never made.
 * `hierarchies`: for filters by cgroup, and programs that are attached to one; `wanted`: what is asked for besides.
 */
export function kernelOptionsOf(
  config: AppConfig,
  hierarchies: readonly CgroupHierarchy[] = [],
  wanted: Partial<Wanted> = {},
): KernelOptions {
  const { ringBufferBytes, maxSeries, maxSockets, maxOwners, costlyVariants } = config.bpf;
  return {
    ringBufferBytes,
    maxSeries,
    maxSockets,
    maxOwners,
    costlyVariants,
    ...(maxSockets <= FEW_SOCKETS && { loadParts: 1 }),
    subnets: config.subnets,
    isViewed: config.views !== undefined,
    filter: kernelFilterOf(config.filter, hierarchies),
    cgroupRoot: hierarchies.find(({ number }) => number === 0)?.root,
    ...familyOptionsOf({ ...wantedOf(config), ...wanted }),
  };
}

function wantedOf(config: AppConfig): Wanted {
  const { metrics, events, spans, thresholds, attributes, correlation } = config;
  const us = (ms: number): number => Math.round(ms * 1000);
  const metric: Wanted['metric'] = ({ name }) => metrics.get(name) ?? false;
  return {
    metric,
    event: ({ name }) => events.get(name) ?? 'off',
    span: ({ type }) => spans.get(type) ?? 'off',
    // Those on a trace are enough.
    exemplars: (...of) =>
      Object.values(correlation).some((isOn) => isOn) &&
      config.exemplarFilter !== 'always_off' &&
      of.some(metric),
    attributes,
    showsAddresses: config.addresses !== 'none',
    hasLiveView: config.output !== 'none',
    http1: correlation.http1,
    arrivals: correlation.arrivals,
    http2: correlation.http2,
    hook: correlation.hook,
    threadContext: correlation.threadContext,
    tap: config.otlpTap !== undefined,
    earlyStates: false,
    execNames: config.keepsExecNames,
    packets: packetsOf(config),
    exchangePhases: config.exchangePhases,
    thresholdsUs: {
      handshake: us(thresholds.handshake),
      acceptQueue: us(thresholds.acceptQueue),
      receiveQueue: us(thresholds.receiveQueue),
      rtt: us(thresholds.rtt),
      exchange: us(thresholds.exchange),
      softirqRun: us(thresholds.softirqRun),
      softirqWait: us(thresholds.softirqWait),
      wakeup: us(thresholds.wakeup),
      zeroWindow: us(thresholds.zeroWindow),
    },
  };
}
