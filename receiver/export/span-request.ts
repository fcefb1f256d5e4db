import type { HrTime } from '@opentelemetry/api';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { toHrTime } from '../aggregate/hr-time.ts';
import { scopeOf } from '../aggregate/instrumentation-scopes.ts';
import type { NetworkSpan } from '../model/event.ts';
import { createResourceCache } from './resource-cache.ts';
import type { OtlpRequest } from './transport.ts';

/** The SDK's view of one batch; spans of one resource share its object, by which the SDK groups. */
export function toReadableSpans(spans: readonly NetworkSpan[]): ReadableSpan[] {
  const resourceOf = createResourceCache();
  return spans.map((span) => toReadableSpan(span, resourceOf(span.resource)));
}

/** Encodes spans as one OTLP request. */
export function encodeSpans(spans: readonly ReadableSpan[]): OtlpRequest {
  return {
    bytes: ProtobufTraceSerializer.serializeRequest([...spans]) ?? new Uint8Array(),
    items: spans.length,
  };
}

/**
 * The SDK's view of a span. The remote bits of the OTLP flags are left as the SDK writes them for a
 * local parent: the parent belongs to the same workload, whose resource this span carries.
 */
function toReadableSpan(span: NetworkSpan, resource: Resource): ReadableSpan {
  const context = { traceId: span.traceId, spanId: span.spanId, traceFlags: span.traceFlags };
  const parent = span.parentSpanId;
  return {
    name: span.name,
    kind: SpanKind.INTERNAL,
    spanContext: () => context,
    ...(parent === undefined ? {} : { parentSpanContext: { ...context, spanId: parent } }),
    startTime: toHrTime(span.startUnixNs),
    endTime: toHrTime(span.endUnixNs),
    duration: durationOf(span),
    status: { code: span.failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: span.attributes,
    links: span.links.map((link) => ({ context: link })),
    events: [],
    ended: true,
    resource,
    instrumentationScope: scopeOf(span.scope),
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function durationOf(span: NetworkSpan): HrTime {
  const ns = span.endUnixNs - span.startUnixNs;
  return toHrTime(ns > 0n ? ns : 0n);
}
