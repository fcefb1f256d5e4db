import type { ObservedResource } from '../model/resource.ts';
import type { FoldInto } from './fold-resources.ts';

export interface MetricStoreOptions {
  /** `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`. `lowmemory` equals `delta` for our instruments. */
  readonly temporality: 'cumulative' | 'delta' | 'lowmemory';
  /** When the agent started, Unix nanoseconds. */
  readonly startUnixNs: bigint;
  /** CLOCK_MONOTONIC, nanoseconds: how long an interval was when the real-time clock was set back in it. */
  readonly monotonicNs?: () => bigint;
  /** Most series in all; at least 2. Default 50,000. */
  readonly maxSeries?: number;
  /** Most points of one metric and resource in one collection, the overflow series included. Default 2,000. */
  readonly maxPointsPerMetricAndResource?: number;
  /** Values of `server.port` of one workload at once; more go to overflow series. Default 64. */
  readonly maxServerPorts?: number;
  /**
   * A resource that gained nothing for so many collections is retired; so are cumulative sums of one whose
   * measurements do not all find a series of their own. Default 60; 0: never.
   */
  readonly staleAfterCollections?: number;
  /**
   * Takes the sums of resources for which not even an overflow series has room, as its own
   * overflow. Default: a host resource without attributes.
   */
  readonly spillResource?: ObservedResource;
  readonly foldInto?: FoldInto | undefined;
}
