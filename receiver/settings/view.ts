import { SCHEMA, type FilterRule } from '../../config/index.ts';
import { SPAN_TCP_EXCHANGE, type EventDescriptor, type MetricDescriptor } from '../../semconv/index.ts';
import type { CgroupHierarchy } from '../host/cgroup-hierarchies.ts';
import type { PacketsWanted } from '../model/packets.ts';
import type { SamplesWanted } from '../model/samples.ts';
import type { Wanted } from '../signals/kernel.ts';
import type { KernelOptions } from '../source/kernel-options.ts';
import type { Subnet } from '../source/subnet.ts';
import { familyOptionsOf } from './family-options.ts';
import { kernelFilterOf } from './filter.ts';

/** What a view asks of the kernel. */
export interface ViewSettings {
  /** A record of each of these. */
  readonly events: readonly EventDescriptor[];
  /** Opt-in attributes. */
  readonly attributes: readonly string[];
  /** Trace contexts are read. */
  readonly traces: boolean;
  /** A record of each request. */
  readonly exchanges: boolean;
  /** Where better ways are refused, programs at each system call do. */
  readonly costly: boolean;
  /** Sums of these. */
  readonly metrics: readonly MetricDescriptor[];
  /** A record of each connection that moved something, at each pass. */
  readonly live: boolean;
  /** Histograms of these. */
  readonly samples: SamplesWanted | undefined;
  /** What name servers answer. */
  readonly dnsAnswers: boolean;
  /** The ways of these. */
  readonly packets: PacketsWanted | undefined;
  /** Networks of peers. */
  readonly subnets: readonly Subnet[];
  readonly include: readonly FilterRule[];
  /** Nothing is asked of sockets but what `include` says. */
  readonly withoutSockets: boolean;
}

/** What the kernel must tell for a view, and no more: no spans. Sizes are the defaults. */
export function viewKernelOptions(
  settings: ViewSettings,
  hierarchies: readonly CgroupHierarchy[],
): KernelOptions {
  const { costly, metrics, live, subnets, include, withoutSockets } = settings;
  return {
    ringBufferBytes: sizeOf('bpf.ring_buffer_size'),
    maxSeries: sizeOf('bpf.max_series'),
    maxSockets: sizeOf('bpf.max_sockets'),
    maxOwners: sizeOf('bpf.max_owners'),
    costlyVariants: costly,
    recordsAlone: metrics.length === 0 && !live,
    withoutSockets: withoutSockets && include.length === 0,
    // Groups are made, and made again.
    keepsFilter: include.every(({ cgroup }) => cgroup === undefined),
    subnets,
    filter: kernelFilterOf({ include, exclude: [] }, hierarchies),
    cgroupRoot: hierarchies.find(({ number }) => number === 0)?.root,
    ...familyOptionsOf(wantedOf(settings)),
  };
}

/** The default of a setting. They need not all be read for that. */
function sizeOf(key: string): number {
  return SCHEMA.get(key)?.default as number;
}

function wantedOf({
  events,
  attributes,
  traces,
  exchanges,
  metrics,
  live,
  samples,
  dnsAnswers,
  packets,
}: ViewSettings): Wanted {
  const sums = new Set(metrics.map(({ name }) => name));
  const names = new Set(events.map(({ name }) => name));
  return {
    metric: ({ name }) => sums.has(name),
    event: ({ name }) => (names.has(name) ? 'on' : 'off'),
    span: (span) => (exchanges && span === SPAN_TCP_EXCHANGE ? 'always' : 'off'),
    exemplars: () => false,
    attributes: new Set(attributes),
    showsAddresses: true,
    hasLiveView: false,
    http1: traces,
    arrivals: traces,
    http2: false,
    hook: traces,
    threadContext: traces,
    tap: false,
    earlyStates: true,
    liveRecords: live,
    samples,
    dnsAnswers,
    packets,
    execNames: false,
    exchangePhases: false,
    thresholdsUs: NO_THRESHOLDS,
  };
}

const NO_THRESHOLDS: Wanted['thresholdsUs'] = {
  handshake: 0,
  acceptQueue: 0,
  receiveQueue: 0,
  rtt: 0,
  exchange: 0,
  softirqRun: 0,
  softirqWait: 0,
  wakeup: 0,
  zeroWindow: 0,
};
