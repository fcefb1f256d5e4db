import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';

/** Something that is collected, exported, and told what could not be exported. */
export interface MetricSource {
  /**
   * What is to be exported, one element a resource. `nowUnixNs`: the end of the interval.
   * Every point must either be exported or come back through `restore` before the next collection.
   */
  collect(nowUnixNs: bigint): ResourceMetrics[] | Promise<ResourceMetrics[]>;
  /**
   * Puts back what a collection took out and could not be exported: it leaves with a later
   * collection. Points that merely report a state that goes on are ignored.
   */
  restore(failed: readonly ResourceMetrics[]): void;
}
