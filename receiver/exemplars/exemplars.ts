import { ExemplarStore, withExemplars } from '../aggregate/exemplars.ts';
import type { MetricSource } from '../aggregate/metric-source.ts';
import type { Clock } from '../model/clock.ts';
import type { KernelNames, SignalRecord } from '../model/record.ts';
import type { SumsContext } from '../signals/context.ts';
import type { CreateExemplars } from '../signals/exemplars.ts';
import { RecordExemplars, type ExemplarFilter } from './record-exemplars.ts';
import { createCidrLookup, type Subnet } from './subnets.ts';

/** What the settings say of exemplars. */
export interface ExemplarSettings {
  readonly exemplarFilter: ExemplarFilter;
  readonly subnets: readonly Subnet[];
}

/** What exemplars ask of the rest. */
export interface ExemplarSources {
  readonly context: SumsContext;
  readonly clock: Clock;
  readonly names: KernelNames;
  /** What makes exemplars of records. */
  readonly families: Iterable<CreateExemplars>;
}

/** Exemplars from records to points. */
export interface Exemplars {
  /** The store's sums, with exemplars on their points. */
  readonly metrics: MetricSource;
  see(record: SignalRecord): void;
  /** How many a bound kept out. */
  leftOut(): number;
}

/** Exemplars of `source`, as the configuration wants them. */
export function createExemplars(
  source: MetricSource,
  { exemplarFilter: filter, subnets }: ExemplarSettings,
  sources: ExemplarSources,
): Exemplars {
  const store = new ExemplarStore();
  const records = new RecordExemplars({ ...sources, store, filter, cidrOf: createCidrLookup(subnets) });
  return {
    metrics: withExemplars(source, store),
    see: (record) => records.see(record),
    leftOut: () => store.counters.leftOut + records.evictions,
  };
}
