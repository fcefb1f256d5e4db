import type { Pipeline } from './pipeline.ts';

/** How often a bound of the user space bit since the start, by what was kept out. */
export type BoundCounts = Readonly<Record<string, number>>;

export interface MetBound {
  /** What was kept out. */
  readonly bound: string;
  /** Since it was last told. */
  readonly count: number;
}

const INTERVAL_MS = 60_000;

/** Tells of bounds that bite, each at most once a minute. */
export class BoundsWatch {
  readonly #onMet: (met: MetBound) => void;
  readonly #told = new Map<string, { count: number; atMs: number }>();

  constructor(onMet: (met: MetBound) => void) {
    this.#onMet = onMet;
  }

  /** `nowMs` is any steady clock. */
  look(counts: BoundCounts, nowMs: number): void {
    for (const [bound, total] of Object.entries(counts)) {
      const told = this.#told.get(bound) ?? { count: 0, atMs: -Infinity };
      if (total <= told.count || nowMs - told.atMs < INTERVAL_MS) continue;
      this.#told.set(bound, { count: total, atMs: nowMs });
      this.#onMet({ bound, count: total - told.count });
    }
  }
}

/** The counts of everything between the kernel and the exporters that keeps something for later. */
export function boundCountsOf({
  store,
  exemplars,
  sums,
  correlator,
  enricher,
  join,
  streams,
}: Pipeline): BoundCounts {
  const { overflowed, spilled, refused, overPorts } = store.overflowed();
  const { folded, reduced, attributesCut, contexts, contextsForgotten } = enricher.counters;
  return {
    'processes on their container or the host until there is room (resource.limit)': folded,
    'processes with their service name alone (2 KiB for each resource of resource.limit)': reduced,
    'processes whose OTEL_RESOURCE_ATTRIBUTES or published names were cut (3,000 bytes, 1,024 a value, 128 a key)':
      attributesCut,
    ...contextBounds(contexts),
    'processes whose published names were forgotten (1,000)': contextsForgotten,
    'measurements in overflow series (series.limit, or the bound of a metric)': overflowed - overPorts,
    'measurements in overflow series (64 server ports of a workload)': overPorts,
    'measurements of resources without room (series.limit)': spilled,
    'measurements refused': refused,
    'exemplars left out': exemplars.leftOut(),
    ...sums.boundsMet(),
    ...correlator.counters.boundsMet,
    ...join?.boundsMet,
    ...streams?.boundsMet,
  };
}

/** The bounds on what processes publish of themselves in their memory. */
function contextBounds(counters: Pipeline['enricher']['counters']['contexts']): BoundCounts {
  const { unwatched = 0, long = 0, denied = 0, stuck = 0 } = counters ?? {};
  return {
    'processes whose published names are not looked for (10,000)': unwatched,
    'looks for published names that were given up (8 MiB of mappings, 16 KiB of names)': long,
    'processes whose published names the kernel does not let us read (CAP_SYS_PTRACE, kernel.yama.ptrace_scope)':
      denied,
    'looks for published names that do not end (5 s): no other process is looked at meanwhile': stuck,
  };
}
