import type { Resource } from '@opentelemetry/resources';
import type { ObservedResource } from '../model/resource.ts';
import { resourceBytes } from '../model/resource-bytes.ts';
import { Expected } from './expected.ts';
import { toSdkResource } from './sdk-resource.ts';
import type { SeriesShare } from './series-budget.ts';
import { ServerPorts } from './server-ports.ts';
import type { Stream } from './stream.ts';

/** A resource of the store and its streams by metric. */
export interface ResourceEntry {
  readonly observed: ObservedResource;
  readonly resource: Resource;
  /** Bytes of its attributes; 0 for what is not a workload. */
  readonly resourceBytes: number;
  readonly streams: Map<string, Stream>;
  readonly ports: ServerPorts;
  readonly share: SeriesShare;
  readonly expected: Expected;
  /** Since the last collection something found no series of its own. */
  isTight: boolean;
  isRetired: boolean;
  /** It was part of a collection. */
  wasCollected: boolean;
  /** Its last values are on their way: freed by the next collection, unless something comes (back). */
  isLeaving: boolean;
  /** Number of the collection after which it last gained something. */
  touchedAt: number;
}

/** `maxPorts`: of a workload; what is on the host is of many. */
export function createEntry(observed: ObservedResource, maxPorts: number, share: SeriesShare): ResourceEntry {
  return {
    observed,
    resource: toSdkResource(observed),
    resourceBytes: observed.kind === 'workload' ? resourceBytes(observed) : 0,
    streams: new Map(),
    ports: new ServerPorts(observed.kind === 'workload' ? maxPorts : Infinity),
    share,
    expected: new Expected(),
    isTight: false,
    isRetired: false,
    wasCollected: false,
    isLeaving: false,
    touchedAt: 0,
  };
}

/** Whether a value of it is a state that goes on. */
export function isShown({ streams }: ResourceEntry): boolean {
  for (const stream of streams.values()) if (stream.isShown) return true;
  return false;
}

/** Where there is no room, what gained nothing for so many collections makes some; 0: there is. Asked once a collection. */
export function overAfterOf(entry: ResourceEntry, staleAfter: number): number {
  const overAfter = entry.isTight ? staleAfter : 0;
  entry.isTight = false;
  return overAfter;
}
