import { MeterProvider, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { MetricDescriptor } from '../../semconv/index.ts';
import { METRIC_AGENT_EVENT_LAG, SCOPE_NAMES, VERSION } from '../../semconv/index.ts';
import type { MetricSource } from '../aggregate/metric-source.ts';
import { toSdkResource } from '../aggregate/sdk-resource.ts';
import type { ObservedResource } from '../model/resource.ts';
import { AgentReader } from './agent-reader.ts';
import type { AgentSources } from './agent-sources.ts';
import { createOwnInstruments } from './own-instruments.ts';
import { createProcessInstruments, createRuntimeInstruments } from './process-instruments.ts';
import { createExportInstruments } from './upstream-instruments.ts';

export interface AgentTelemetryOptions {
  /** The agent's resource: `service.name`, `service.instance.id`, `host.id`, `process.pid` … */
  readonly resource: ObservedResource;
  readonly sources: AgentSources;
  readonly temporality: 'cumulative' | 'delta' | 'lowmemory';
  /** The switches `metrics.agent.*`. Default: the registry's levels. */
  readonly isEnabled?: (metric: MetricDescriptor) => boolean;
  /** Which of the upstream metrics are exported. Default: all. */
  readonly families?: ReadonlySet<UpstreamFamily>;
}

/** Upstream metrics by the beginning of their names: each has one switch. */
export type UpstreamFamily = 'otel.sdk' | 'process' | 'nodejs';

const allFamilies: ReadonlySet<UpstreamFamily> = new Set(['otel.sdk', 'process', 'nodejs']);

/** The agent's metrics about itself: one more source of the metric loop. */
export interface AgentTelemetry extends MetricSource {
  /** Seconds from a kernel stamp to its decoding. Once a batch, not once a record. */
  recordLag(seconds: number): void;
  /** Cumulative, as of the last collection or look; undefined before. */
  latest(): ResourceMetrics | undefined;
  /** Reads what `latest` gives; nothing is taken out. */
  look(): Promise<unknown>;
}

/** Scope of the upstream names: those in `wirespan/agent` are ours. */
const upstreamScope = 'wirespan';

/**
 * Creates the agent's telemetry on a meter provider of its own, which nothing observes. Collected
 * by the metric loop, exported like everything else.
 */
export function createAgentTelemetry(options: AgentTelemetryOptions): AgentTelemetry {
  const { resource, sources, temporality } = options;
  const isEnabled = options.isEnabled ?? ((metric) => metric.defaultOn);
  const source = new AgentReader(temporality !== 'cumulative');
  const provider = new MeterProvider({
    resource: toSdkResource(resource),
    readers: [source.reader],
  });
  const own = provider.getMeter(SCOPE_NAMES.agent, VERSION);
  const upstream = provider.getMeter(upstreamScope, VERSION);
  createOwnInstruments(own, sources, isEnabled);
  const families = options.families ?? allFamilies;
  if (families.has('process')) createProcessInstruments(upstream);
  if (families.has('nodejs')) createRuntimeInstruments(upstream);
  if (families.has('otel.sdk') && sources.exporters !== undefined)
    createExportInstruments(upstream, sources.exporters);
  const { name, unit, description, boundaries = [] } = METRIC_AGENT_EVENT_LAG;
  const lag = isEnabled(METRIC_AGENT_EVENT_LAG)
    ? own.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: [...boundaries] } })
    : undefined;
  return {
    collect: (nowUnixNs) => source.collect(nowUnixNs),
    restore: (failed) => source.restore(failed),
    latest: () => source.latest,
    look: () => source.look(),
    recordLag: (seconds) => lag?.record(Math.max(0, seconds)),
  };
}
