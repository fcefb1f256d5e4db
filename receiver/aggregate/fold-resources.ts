import type { MetricDescriptor } from '../../semconv/index.ts';
import type { ObservedResource } from '../model/resource.ts';
import type { ResourceEntry } from './resource-entry.ts';
import type { Series } from './series.ts';

/** Where the series of a resource go that is about to be exported for the first time; undefined: they stay. */
export type FoldInto = (resource: ObservedResource) => ObservedResource | undefined;

/** One series that moves. */
export type Move = (metric: MetricDescriptor, into: ObservedResource, series: Series) => void;

/** Moves the series of resources that are folded; returns these resources, whose entries are to be freed. */
export function foldResources(
  entries: ReadonlyMap<string, ResourceEntry>,
  foldInto: FoldInto,
  move: Move,
): readonly ResourceEntry[] {
  const folded: ResourceEntry[] = [];
  for (const entry of [...entries.values()]) {
    if (entry.wasCollected || entry.observed.kind !== 'workload') continue;
    const into = foldInto(entry.observed);
    if (into === undefined || into.id === entry.observed.id) continue;
    for (const stream of entry.streams.values()) {
      for (const series of stream.series()) move(stream.metric, into, series);
    }
    folded.push(entry);
  }
  return folded;
}
