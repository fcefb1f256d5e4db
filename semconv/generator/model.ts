import type { AttributeDescriptor, EventDescriptor, MetricDescriptor, SpanDescriptor } from '../types.ts';

/** Root of every own name. */
export const OWN_ROOT = 'wirespan.';

export const STABILITIES = ['development', 'alpha', 'beta', 'release_candidate', 'stable'] as const;
export type Stability = (typeof STABILITIES)[number];

/** Where an item stands, what documentation says about it, and how stable it is. */
export interface Documented {
  readonly where: string;
  /** Defined by this registry, not by the upstream one. */
  readonly own: boolean;
  readonly brief: string;
  readonly note?: string;
  readonly stability: Stability;
  readonly deprecated: boolean;
  /** Name in the open upstream proposal. */
  readonly upstreamPreview?: string;
}

export interface Attribute extends Documented {
  readonly descriptor: AttributeDescriptor;
}

export type KernelUnit = 'ns' | 'ppm' | 'bytes';

export interface Metric extends Documented {
  readonly descriptor: MetricDescriptor;
  /** Series per resource of a typical service without opt-ins. */
  readonly expectedSeries: number;
  /** Unit in which the kernel bins, if it does. */
  readonly kernelBounds?: KernelUnit;
}

export interface Span extends Documented {
  readonly descriptor: SpanDescriptor;
  readonly kind: string;
  readonly status: string;
  readonly bccTools: readonly string[];
}

export interface Event extends Documented {
  readonly descriptor: EventDescriptor;
  readonly bccTools: readonly string[];
}

/** The registry with every reference followed, each list sorted by name. */
export interface Registry {
  readonly schemaUrl: string;
  readonly upstreamSchemaUrl: string;
  /** Own attributes and the upstream ones in the excerpt. */
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly metrics: readonly Metric[];
  readonly spans: readonly Span[];
  readonly events: readonly Event[];
}

/** A name without the own root; upstream names keep theirs. */
export function withoutRoot(name: string): string {
  return name.startsWith(OWN_ROOT) ? name.slice(OWN_ROOT.length) : name;
}

/** Name of a constant: `wirespan.tcp.rtt` → `TCP_RTT`. */
export function constantName(name: string): string {
  return withoutRoot(name)
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase();
}
