import { randomBytes } from 'node:crypto';
import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_CORRELATION_CONFIDENCE,
  ATTR_CORRELATION_METHOD,
  ATTR_EVENT_SUPPRESSED,
  SCOPE_NAMES,
  type EventDescriptor,
  type EventMode,
  type SpanDescriptor,
  type SpanMode,
} from '../../semconv/index.ts';
import type { Clock } from '../model/clock.ts';
import type { NetworkEvent, NetworkSpan, TraceContext } from '../model/event.ts';
import type { ObservedResource, Owner } from '../model/resource.ts';
import type { SocketRecord } from '../model/record.ts';
import type { SpanRef } from './connection-links.ts';
import type { ConnectionSampling } from './connection-sampling.ts';
import { createEventLimit, type EventLimit } from './event-limit.ts';
import { sharePath } from './share-path.ts';
import { createSpanLimit, type SpanLimit, type SpanLimits, type SpanRefusal } from './span-limit.ts';

/** What can change while the agent runs. */
export interface EmitterSettings {
  /** By event name; an event that is not named has the registry's mode. */
  readonly events: Readonly<Record<string, EventMode>>;
  /** By span type; a span that is not named has the registry's mode. */
  readonly spans: Readonly<Record<string, SpanMode>>;
  /** Events a second, for each name and workload; 0: no limit. */
  readonly rateLimit: number;
  readonly spanLimits: SpanLimits;
  readonly connectionSampling: ConnectionSampling;
}

export interface EmitterOptions extends EmitterSettings {
  readonly clock: Clock;
  resolve(owner: Owner): ObservedResource;
  emitEvent(event: NetworkEvent): void;
  emitSpan(span: NetworkSpan): void;
  /** CLOCK_MONOTONIC now, nanoseconds. */
  now(): bigint;
}

export interface EventDraft {
  readonly record: Pick<SocketRecord, 'owner' | 'timeNs'>;
  /** Built only when the event really goes out. */
  readonly attributes: () => Attributes;
  /** The application's trace context. */
  readonly context?: TraceContext | undefined;
  /** Our own span, which takes the place of a context that is not known. */
  readonly ownSpan?: SpanRef | undefined;
  /** Takes the registry's higher severity. */
  readonly isGrave?: boolean;
  /** CLOCK_MONOTONIC; the record's time when absent. */
  readonly timeNs?: bigint;
}

export interface SpanDraft {
  readonly record: Pick<SocketRecord, 'owner'>;
  readonly attributes: Attributes;
  /** CLOCK_MONOTONIC nanoseconds. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Without one the span is the root of its own trace. */
  readonly parent?: TraceContext | undefined;
  readonly links?: readonly SpanRef[];
  readonly isFailed?: boolean;
}

export interface EmitterCounters {
  events: number;
  spans: number;
  /** Left out: `wirespan.agent.event.lost`, `rate_limited`. */
  eventsRateLimited: number;
  spansRateLimited: number;
  spansOverParent: number;
  spansOverTrace: number;
}

/** W3C `sampled` and `random`: what our own trace ids are. */
const ownTraceFlags = 0b11;
/** Ours, not the application's: its method never becomes an attribute. */
const ownSpanEvidence = { method: 'own_span', confidence: 'exact' };

const refusalCounters = {
  rate: 'spansRateLimited',
  parent: 'spansOverParent',
  trace: 'spansOverTrace',
} as const satisfies Record<SpanRefusal, keyof EmitterCounters>;

/** Applies modes and limits, then hands events and spans on. */
export class Emitter {
  readonly counters: EmitterCounters = {
    events: 0,
    spans: 0,
    eventsRateLimited: 0,
    spansRateLimited: 0,
    spansOverParent: 0,
    spansOverTrace: 0,
  };
  readonly #options: EmitterOptions;
  #settings: EmitterSettings;
  #eventLimit: EventLimit;
  #spanLimit: SpanLimit;
  /** What limits that were replaced had forgotten. */
  #forgottenBefore = 0;

  constructor(options: EmitterOptions) {
    this.#options = options;
    this.#settings = options;
    this.#eventLimit = createEventLimit(options.rateLimit);
    this.#spanLimit = createSpanLimit(options.spanLimits, options.now());
  }

  /** Limits that were forgotten because there were too many to keep. */
  get limitsForgotten(): number {
    return this.#forgottenBefore + this.#eventLimit.evictions + this.#spanLimit.evictions;
  }

  /** From now on these modes and limits hold; a limit that changed begins anew. */
  reconfigure(settings: EmitterSettings): void {
    const { rateLimit, spanLimits } = this.#settings;
    this.#settings = settings;
    if (rateLimit !== settings.rateLimit) {
      this.#forgottenBefore += this.#eventLimit.evictions;
      this.#eventLimit = createEventLimit(settings.rateLimit);
    }
    if (JSON.stringify(spanLimits) !== JSON.stringify(settings.spanLimits)) {
      this.#forgottenBefore += this.#spanLimit.evictions;
      this.#spanLimit = createSpanLimit(settings.spanLimits, this.#options.now());
    }
  }

  get connectionSampling(): ConnectionSampling {
    return this.#settings.connectionSampling;
  }

  eventMode(descriptor: EventDescriptor): EventMode {
    return this.#settings.events[descriptor.name] ?? descriptor.defaultMode;
  }

  spanMode(descriptor: SpanDescriptor): SpanMode {
    return this.#settings.spans[descriptor.type] ?? descriptor.defaultMode;
  }

  event(descriptor: EventDescriptor, draft: EventDraft): void {
    const mode = this.eventMode(descriptor);
    if (mode === 'off' || (mode === 'correlated' && draft.context === undefined)) return;
    const resource = this.#options.resolve(draft.record.owner);
    const nowNs = this.#options.now();
    const path = sharePath(resource, draft.record.owner);
    const suppressed = this.#eventLimit.admit(descriptor.name, path, nowNs);
    if (suppressed === undefined) {
      this.counters.eventsRateLimited += 1;
      return;
    }
    this.counters.events += 1;
    const attributes = withCorrelation(draft.attributes(), draft.context);
    if (suppressed > 0) attributes[ATTR_EVENT_SUPPRESSED] = suppressed;
    const context = draft.context ?? ownContext(draft.ownSpan);
    const { clock } = this.#options;
    this.#options.emitEvent({
      name: descriptor.name,
      resource,
      scope: SCOPE_NAMES[descriptor.scope],
      severityNumber: severity(descriptor, draft.isGrave === true),
      timeUnixNs: clock.toUnixNs(draft.timeNs ?? draft.record.timeNs),
      observedTimeUnixNs: clock.toUnixNs(nowNs),
      attributes,
      ...(context === undefined ? {} : { context }),
    });
  }

  /** The span's ids; undefined when a cap kept it back. */
  span(descriptor: SpanDescriptor, draft: SpanDraft): SpanRef | undefined {
    const { parent, startNs, endNs } = draft;
    const traceId = parent?.traceId ?? randomHex(16);
    const resource = this.#options.resolve(draft.record.owner);
    const place = { path: sharePath(resource, draft.record.owner), traceId, parentSpanId: parent?.spanId };
    const refusal = this.#spanLimit.refuse(place, this.#options.now());
    if (refusal !== undefined) {
      this.counters[refusalCounters[refusal]] += 1;
      return undefined;
    }
    this.counters.spans += 1;
    const ref = { traceId, spanId: randomHex(8), traceFlags: parent?.traceFlags ?? ownTraceFlags };
    const startUnixNs = this.#options.clock.toUnixNs(startNs);
    this.#options.emitSpan({
      ...ref,
      name: spanName(descriptor, draft.attributes),
      resource,
      scope: SCOPE_NAMES[descriptor.scope],
      ...(parent === undefined ? {} : { parentSpanId: parent.spanId }),
      startUnixNs,
      // One event has no length, but Jaeger takes an end that is not after the start for a mistake.
      endUnixNs: startUnixNs + (endNs > startNs ? endNs - startNs : 1n),
      attributes: withCorrelation(draft.attributes, parent),
      failed: draft.isFailed === true,
      links: draft.links ?? [],
    });
    return ref;
  }
}

function severity(descriptor: EventDescriptor, isGrave: boolean): number {
  const { severityNumber, severityNumberOnError } = descriptor;
  return isGrave ? (severityNumberOnError ?? severityNumber) : severityNumber;
}

function spanName({ name, namedBy }: SpanDescriptor, attributes: Attributes): string {
  const target = namedBy === undefined ? undefined : attributes[namedBy];
  return typeof target === 'number' || typeof target === 'string' ? `${name} ${target}` : name;
}

function withCorrelation(attributes: Attributes, context: TraceContext | undefined): Attributes {
  if (context === undefined) return attributes;
  return {
    ...attributes,
    [ATTR_CORRELATION_METHOD]: context.method,
    [ATTR_CORRELATION_CONFIDENCE]: context.confidence,
  };
}

function ownContext(span: SpanRef | undefined): TraceContext | undefined {
  return span === undefined ? undefined : { ...span, ...ownSpanEvidence };
}

/** An id of random bytes; all zero is no id. */
function randomHex(bytes: number): string {
  const id = randomBytes(bytes).toString('hex');
  return /[^0]/.test(id) ? id : randomHex(bytes);
}
