import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';

/** What one resource has to export. */
export interface Collected extends ResourceMetrics {
  /**
   * Its points say where sums began whose values come after it. They leave in requests of their own, before the others:
   * who reads a request as what there is at one time meets no series in it twice.
   */
  readonly isStart?: true;
}

/** Something that is collected, exported, and told what could not be exported. */
export interface MetricSource {
  /**
   * What is to be exported, in this order. `nowUnixNs`: the end of the interval.
   * Every point must either be exported or come back through `restore` before the next collection.
   */
  collect(nowUnixNs: bigint): Collected[] | Promise<Collected[]>;
  /**
   * Puts back what a collection took out and could not be exported: it leaves with a later
   * collection. Points that merely report a state that goes on are ignored.
   */
  restore(failed: readonly ResourceMetrics[]): void;
}
