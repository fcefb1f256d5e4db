import type { Histogram } from '@opentelemetry/sdk-metrics';
import type { Distribution } from './report.ts';

/** What histograms gained, by a name of which there are few. */
export class Distributions {
  readonly #byName = new Map<string, Distribution>();

  add(name: string, { buckets, sum = 0, count }: Histogram): void {
    const known = this.#byName.get(name);
    this.#byName.set(name, {
      name,
      boundaries: buckets.boundaries,
      counts: buckets.counts.map((each, bucket) => each + (known?.counts[bucket] ?? 0)),
      count: count + (known?.count ?? 0),
      sum: sum + (known?.sum ?? 0),
    });
  }

  /** By the alphabet. */
  all(): Distribution[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
