import { release } from 'node:os';
import type { AppConfig } from '../../config/index.ts';
import { VERSION } from '../../semconv/index.ts';
import { LOSS_REASON } from '../decode/generated/layout.ts';
import type { Greeting } from '../feed/protocol.ts';
import { Feed } from '../feed/server.ts';
import { readBootId } from '../host/boot-id.ts';
import { LAYOUTS } from '../recording/layouts.ts';
import type { KernelSource, LossTable } from '../source/kernel-source.ts';
import type { AgentSources } from '../telemetry/agent-sources.ts';
import type { BoundCounts } from './bounds.ts';
import type { Pipeline } from './pipeline.ts';

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
  const feed = new Feed({
    path: views.socket,
    mode: views.mode,
    names: source.names,
    lookupOwner: (key, info) => source.lookup('owners', key, info),
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
  });
  pipeline.onRecords = (bytes) => feed.records(bytes);
  return feed;
}

/** Records that found no room in the ring. */
export function lostRecords(losses: LossTable): number {
  return losses
    .filter((_, index) => index % LOSS_REASON.LOSS_REASONS === LOSS_REASON.LOST_RING_FULL)
    .reduce((sum, count) => sum + count, 0);
}

/** What a view needs and this agent was not started with. */
function lackOf(
  { attributes, traces, probes }: Greeting,
  config: Pick<AppConfig, 'attributes' | 'correlation'>,
  { plan }: Pick<KernelSource, 'plan'>,
): string | undefined {
  const attribute = attributes.find((name) => !config.attributes.has(name));
  if (attribute !== undefined) return `records no ${attribute} with its settings`;
  const { http1, arrivals, hook, threadContext } = config.correlation;
  if (traces && !(http1 && arrivals && hook && threadContext))
    return 'reads not all trace contexts with its settings (correlation)';
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
