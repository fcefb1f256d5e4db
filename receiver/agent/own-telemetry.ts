import type { AppConfig } from '../../config/index.ts';
import type { Exporters } from '../export/exporters.ts';
import type { Feed } from '../feed/server.ts';
import type { ObservedResource } from '../model/resource.ts';
import type { Tap } from '../tap/tap.ts';
import { createAgentTelemetry, type AgentTelemetry } from '../telemetry/agent-telemetry.ts';
import { viewsSource } from './agent-feed.ts';
import type { AgentOutput } from './agent-output.ts';
import type { SelfStats } from './self-stats.ts';

/** What an agent tells of. */
export interface OwnParts {
  readonly config: AppConfig;
  readonly exporters: Exporters;
  readonly stats: SelfStats;
  readonly output: AgentOutput;
  readonly tap: Tap | undefined;
  readonly feed: Feed | undefined;
}

/** The metrics of the agent itself, on its resource. */
export function ownTelemetry(parts: OwnParts, resource: ObservedResource): AgentTelemetry {
  const { config, exporters, stats, output, tap, feed } = parts;
  return createAgentTelemetry({
    resource,
    sources: {
      ...stats.sources(exporters),
      outputDropped: () => output.dropped(),
      ...(tap && { tap }),
      ...viewsSource(feed),
    },
    temporality: config.temporality,
    isEnabled: ({ name }) => config.metrics.get(name) ?? false,
    families: config.selfMetrics,
  });
}
