import { release } from 'node:os';
import type { AppConfig } from '../../config/index.ts';
import { METRIC_SOFTIRQ_TIME, VERSION } from '../../semconv/index.ts';
import { LOSS_REASON, OWNER_INFO } from '../decode/generated/layout.ts';
import { readOwner } from '../decode/owners.ts';
import type { Look } from '../feed/choice.ts';
import type { LookAsked } from '../feed/looks.ts';
import type { Greeting } from '../feed/protocol.ts';
import { Feed } from '../feed/server.ts';
import { readBootId } from '../host/boot-id.ts';
import type { Owner } from '../model/resource.ts';
import { LAYOUTS } from '../recording/layouts.ts';
import type { KernelSource, LossTable } from '../source/kernel-source.ts';
import type { AgentSources } from '../telemetry/agent-sources.ts';
import type { BoundCounts } from './bounds.ts';
import type { Pipeline } from './pipeline.ts';
import { ViewCgroups } from './view-cgroups.ts';

export interface AgentFeedParts {
  readonly source: KernelSource;
  readonly pipeline: Pipeline;
  /** In force now. */
  config(): AppConfig;
}

/** What lets views read from this agent; undefined: nothing does. */
export function createAgentFeed(
  views: AppConfig['views'],
  { source, pipeline, config }: AgentFeedParts,
): Feed | undefined {
  if (views === undefined) return undefined;
  const cgroups = new ViewCgroups(source, 0);
  const feed = new Feed({
    path: views.socket,
    mode: views.mode,
    names: source.names,
    processes: {
      lookup: (key, info) => source.lookup('owners', key, info),
      isInCgroup: (key, path) => {
        const owner = ownerOf(key, source);
        return owner && cgroups.isIn(owner, path);
      },
      cgroupNames: (id, names) => source.lookup('cgroups', id, names),
    },
    meta: () => ({
      wirespan: VERSION,
      startedMs: Date.now(),
      kernel: release(),
      bootId: readBootId(),
      architecture: process.arch,
      layouts: LAYOUTS,
      probes: source.plan,
      subnets: config().subnets.map(({ text }) => text),
      areAddressesMasked: false,
    }),
    state: () => {
      const { include, exclude } = config().filter;
      return { lost: lostRecords(source.losses()), rules: include.length + exclude.length };
    },
    lacks: (greeting) => lackOf(greeting, config(), source),
    ask: (viewed) => source.askRecords(viewed),
    drain: () => void pipeline.drain(),
    look: (asked) => lookFor(asked, source, pipeline),
  });
  pipeline.onRecords = (bytes) => feed.records(bytes);
  pipeline.onGain = (metric, attributes, value) => feed.gain(metric, attributes, value);
  return feed;
}

function ownerOf(key: Uint8Array, source: KernelSource): Owner | undefined {
  const info = new Uint8Array(OWNER_INFO.size);
  if (!source.lookup('owners', key, info)) return undefined;
  return readOwner(new DataView(key.buffer, key.byteOffset), 0, new DataView(info.buffer), 0);
}

/** What the agent reads at its collections, read in between: what it exports is the same then. */
function lookFor(
  { isPass, tellsAll, metrics, listeners }: LookAsked,
  source: KernelSource,
  pipeline: Pipeline,
): Look {
  void pipeline.drain();
  if (isPass) {
    pipeline.lastPass = source.passForViews(pipeline.clock.now(), tellsAll);
    pipeline.readSums();
  }
  if (metrics.has(METRIC_SOFTIRQ_TIME.name)) pipeline.readSoftirqs();
  void pipeline.drain();
  return { pass: pipeline.lastPass, ...(listeners && { listeners: source.read('listeners') }) };
}

/** Records that found no room in the ring. */
export function lostRecords(losses: LossTable): number {
  return losses
    .filter((_, index) => index % LOSS_REASON.LOSS_REASONS === LOSS_REASON.LOST_RING_FULL)
    .reduce((sum, count) => sum + count, 0);
}

/** What a view needs and this agent was not started with. */
function lackOf(
  { attributes, traces, probes, pid, cgroup, sums }: Greeting,
  config: Pick<AppConfig, 'attributes' | 'correlation' | 'metrics' | 'subnets'>,
  { plan }: Pick<KernelSource, 'plan'>,
): string | undefined {
  const attribute = attributes.find((name) => !config.attributes.has(name));
  if (attribute !== undefined) return `records no ${attribute} with its settings`;
  const { http1, arrivals, hook, threadContext } = config.correlation;
  if (traces && !(http1 && arrivals && hook && threadContext))
    return 'reads not all trace contexts with its settings (correlation)';
  const metric = sums?.metrics.find((name) => config.metrics.get(name) !== true);
  if (metric !== undefined) return `sums no ${metric} with its settings`;
  if (sums !== undefined && sums.subnets.length > 0) {
    if (sums.subnets.join() !== config.subnets.map(({ text }) => text).join())
      return 'counts other networks with its settings (subnets)';
    if (pid !== undefined || cgroup !== undefined)
      return 'keeps no sums of networks for some processes alone';
  }
  const probe = probes.find((name) => !plan.attached.some((each) => each.probe === name));
  return probe === undefined ? undefined : `does not see ${probe} with its settings on this kernel`;
}

/** What is told of them in the agent's own metrics. */
export function viewsSource(feed: Feed | undefined): Pick<AgentSources, 'views'> {
  return feed === undefined ? {} : { views: () => feed.counters() };
}

/** What its bounds kept out. */
export function feedBounds(feed: Feed | undefined): BoundCounts {
  if (feed === undefined) return {};
  const { cutOff, refused } = feed.counters();
  return {
    'views that read too slowly (1 MiB that waits)': cutOff,
    'views that were not let read (16 at once)': refused,
  };
}
