import type { Attributes } from '@opentelemetry/api';
import type { MetricDescriptor } from '../../semconv/index.ts';
import type { Decisions } from '../correlate/decide.ts';
import type { TraceContext } from '../model/event.ts';
import type { RecordHandlers } from '../model/record-handlers.ts';
import type { KernelNames, SocketRecord } from '../model/record.ts';
import type { Owner } from '../model/resource.ts';
import type { SumsContext } from './context.ts';

/** One measurement of one series. */
export interface Measurement {
  readonly metric: MetricDescriptor;
  readonly attributes: Attributes;
  /** In the metric's unit; undefined: not known. */
  readonly value: number | undefined;
}

/** What names a socket. */
export type SocketName = Pick<SocketRecord, 'netns' | 'cookie'>;

/** What a family's exemplars ask of the rest. */
export interface ExemplarParts {
  readonly context: Pick<SumsContext, 'optIn' | 'mask'>;
  readonly names: Pick<KernelNames, 'dropReason'>;
  /** The decision table. */
  readonly decisions: Decisions;
  /** `wirespan.peer.cidr` of an address; undefined without configured subnets. */
  cidrOf(address: string, family: 4 | 6): string | undefined;
  /** A request that something happened to on a socket; kept until its close when it is sampled. */
  remember(socket: SocketName, context: TraceContext | undefined): void;
  /** The last request remembered of a socket, which is then forgotten. */
  takeRequest(socket: SocketName): TraceContext | undefined;
  /** Measurements that a record tells of, made in this trace. */
  offer(
    record: { readonly owner: Owner; readonly timeNs: bigint },
    context: TraceContext | undefined,
    measurements: readonly Measurement[],
  ): void;
}

/** How a family says that its records are exemplars: called once. */
export type CreateExemplars = (parts: ExemplarParts) => RecordHandlers;
