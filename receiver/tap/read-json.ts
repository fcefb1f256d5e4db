import type { ServerSpan } from '../model/application-span.ts';
import { SERVER_KIND, serverSpanOf, type PlainValues } from './span-fields.ts';

/** The parts of OTLP in JSON that are read: what anybody wrote, so each may be anything. */
interface JsonObject {
  readonly [name: string]: unknown;
}

/** The SERVER spans of an `ExportTraceServiceRequest` in JSON. @throws Error when the text is none */
export function readServerSpansInJson(bytes: Uint8Array): ServerSpan[] {
  const request = JSON.parse(Buffer.from(bytes).toString()) as JsonObject;
  return listOf(request['resourceSpans']).flatMap(({ resource, scopeSpans }) => {
    const values = valuesOf((resource as JsonObject | undefined)?.['attributes']);
    return listOf(scopeSpans)
      .flatMap(({ spans }) => listOf(spans))
      .flatMap((span) => spanOf(span, values) ?? []);
  });
}

function spanOf(span: JsonObject, resource: PlainValues): ServerSpan | undefined {
  const { traceId, spanId, parentSpanId, kind, startTimeUnixNano, endTimeUnixNano, attributes } = span;
  if (kind !== SERVER_KIND && kind !== 'SPAN_KIND_SERVER') return undefined;
  const hex = (id: unknown): string => (typeof id === 'string' ? id.toLowerCase() : '');
  return serverSpanOf(
    {
      traceId: hex(traceId),
      spanId: hex(spanId),
      parentSpanId: hex(parentSpanId),
      startUnixNs: integerOf(startTimeUnixNano),
      endUnixNs: integerOf(endTimeUnixNano),
      attributes: valuesOf(attributes),
    },
    resource,
  );
}

function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value)
    ? value.filter((item): item is JsonObject => typeof item === 'object' && item !== null)
    : [];
}

/** 64-bit integers are text, or numbers. */
function integerOf(value: unknown): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  return typeof value === 'string' && /^\d{1,20}$/.test(value) ? BigInt(value) : 0n;
}

function valuesOf(attributes: unknown): PlainValues {
  const values = new Map<string, string | number>();
  for (const { key, value } of listOf(attributes)) {
    const { stringValue, intValue } = (value ?? {}) as JsonObject;
    if (typeof key !== 'string') continue;
    if (typeof stringValue === 'string') values.set(key, stringValue);
    else if (intValue !== undefined) values.set(key, Number(integerOf(intValue)));
  }
  return values;
}
