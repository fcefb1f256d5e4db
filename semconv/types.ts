/** How much an attribute is needed on a signal. */
export type AttributeLevel = 'required' | 'conditionally_required' | 'recommended' | 'opt_in';

/** Which part of the receiver emits a signal; see `SCOPE_NAMES`. */
export type Scope = 'tcp' | 'packet' | 'softirq' | 'agent';

/** Whose resource a signal is on. */
export type ResourceKind = 'workload' | 'host' | 'agent';

/** One attribute on one signal. */
export interface AttributeUse {
  readonly key: string;
  readonly level: AttributeLevel;
  /** When a conditionally required attribute is required. */
  readonly condition?: string;
}

/** One attribute of the registry, whatever signal it is on. */
export interface AttributeDescriptor {
  readonly key: string;
  readonly type: 'string' | 'int' | 'double' | 'boolean' | 'string[]' | 'int[]' | 'double[]';
  /** Enum values. */
  readonly values?: readonly string[];
  /** The enum's values are examples: others are valid. */
  readonly open: boolean;
}

export interface MetricDescriptor {
  readonly name: string;
  readonly instrument: 'counter' | 'updowncounter' | 'histogram' | 'gauge';
  /** UCUM. */
  readonly unit: string;
  readonly description: string;
  readonly valueType: 'int' | 'double';
  readonly scope: Scope;
  readonly resource: ResourceKind;
  readonly defaultOn: boolean;
  /** Configuration key, such as `metrics.tcp.state.duration`. */
  readonly switch: string;
  /** Histograms only: upper bounds, inclusive, ascending, in `unit`. */
  readonly boundaries?: readonly number[];
  /** Most series per resource and collection, the overflow series included. */
  readonly maxSeries: number;
  readonly attributes: readonly AttributeUse[];
  readonly bccTools: readonly string[];
}

export type SpanMode = 'always' | 'correlated' | 'eventful' | 'off';

/** A span of kind INTERNAL. */
export interface SpanDescriptor {
  readonly type: string;
  /** Fixed part of the span's name, such as `tcp connect`. */
  readonly name: string;
  /** Attribute whose value follows the name, after a space, when it is known. */
  readonly namedBy?: string;
  readonly defaultMode: SpanMode;
  readonly modes: readonly SpanMode[];
  /** Configuration key, such as `spans.tcp.connect`. */
  readonly switch: string;
  readonly scope: Scope;
  readonly resource: ResourceKind;
  readonly attributes: readonly AttributeUse[];
}

export type EventMode = 'on' | 'correlated' | 'off';

/** A log record with an event name. */
export interface EventDescriptor {
  readonly name: string;
  readonly severityNumber: number;
  /** The severity for the graver case, where an event has one. */
  readonly severityNumberOnError?: number;
  readonly defaultMode: EventMode;
  /** Configuration key, such as `events.tcp.connection.close`. */
  readonly switch: string;
  readonly scope: Scope;
  readonly resource: ResourceKind;
  readonly attributes: readonly AttributeUse[];
}

/** Names of the instrumentation scopes. */
export const SCOPE_NAMES = {
  tcp: 'wirespan/tcp',
  packet: 'wirespan/packet',
  softirq: 'wirespan/softirq',
  agent: 'wirespan/agent',
} as const satisfies Record<Scope, string>;
