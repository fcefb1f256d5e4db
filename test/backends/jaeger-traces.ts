/** Traces as Jaeger's query API gives them. */
import type { Jaeger } from './run.ts';
import { plainValue, type OtlpAttribute, type OtlpLine, type OtlpSpan } from '../support/otlp-json.ts';

const WARNINGS = '@jaeger@warnings';

interface JaegerTag {
  readonly key: string;
  readonly value: string | number | boolean;
}

interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly {
    readonly traceID: string;
    readonly spanID: string;
    readonly operationName: string;
    readonly references?: readonly { refType: string; traceID: string; spanID: string }[];
    /** Microseconds. */
    readonly startTime: number;
    readonly duration: number;
    readonly tags: readonly JaegerTag[];
    readonly processID: string;
    readonly warnings?: readonly string[] | null;
  }[];
  readonly processes: Readonly<Record<string, { serviceName: string; tags?: readonly JaegerTag[] }>>;
}

/** A span, flattened. */
export interface StoredSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** '' for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly service: string;
  /** Unix time, microseconds. */
  readonly startUs: number;
  readonly endUs: number;
  readonly tags: Readonly<Record<string, string | number | boolean>>;
  readonly resource: Readonly<Record<string, string | number | boolean>>;
  readonly warnings: readonly string[];
}

/** Every span of every stored trace with a span of this service. */
export async function findTraces(jaeger: Jaeger, service: string): Promise<StoredSpan[]> {
  const end = Date.now() * 1000;
  const range = `start=${end - 3600e6}&end=${end + 60e6}&limit=100000`;
  const traces = (await jaeger.query(
    `/api/traces?service=${encodeURIComponent(service)}&${range}`,
  )) as JaegerTrace[];
  return traces.flatMap(flatten);
}

/** Every span of one trace; none when it is not stored. */
export async function getTrace(jaeger: Jaeger, traceId: string): Promise<StoredSpan[]> {
  const traces = (await jaeger.query(`/api/traces/${traceId}`)) as JaegerTrace[];
  return traces.flatMap(flatten);
}

/** As `getTrace`, by the API of version 3, which has its own way to find the clocks of hosts. */
export async function getCurrentTrace(jaeger: Jaeger, traceId: string): Promise<StoredSpan[]> {
  const answer = await fetch(`http://127.0.0.1:${jaeger.queryPort}/api/v3/traces/${traceId}`);
  if (!answer.ok) return [];
  const { result } = (await answer.json()) as { result: OtlpLine };
  return (result.resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ spans = [] }) => spans.map((span) => fromOtlp(span, resource?.attributes))),
  );
}

function fromOtlp(span: OtlpSpan, resource: readonly OtlpAttribute[] = []): StoredSpan {
  const { traceId, spanId, parentSpanId = '', name, attributes = [] } = span;
  const ofResource = plainOf(resource);
  const warnings = attributes.find(({ key }) => key === WARNINGS)?.value.arrayValue?.values ?? [];
  return {
    traceId,
    spanId,
    parentSpanId,
    name,
    service: String(ofResource['service.name'] ?? ''),
    startUs: Number(BigInt(span.startTimeUnixNano) / 1_000n),
    endUs: Number(BigInt(span.endTimeUnixNano) / 1_000n),
    tags: plainOf(attributes.filter(({ key }) => key !== WARNINGS)),
    resource: ofResource,
    warnings: warnings.map((value) => String(plainValue(value))),
  };
}

function flatten({ spans, processes }: JaegerTrace): StoredSpan[] {
  return spans.map((span) => ({
    traceId: span.traceID,
    spanId: span.spanID,
    parentSpanId: span.references?.find(({ refType }) => refType === 'CHILD_OF')?.spanID ?? '',
    name: span.operationName,
    service: processes[span.processID]?.serviceName ?? '',
    startUs: span.startTime,
    endUs: span.startTime + span.duration,
    tags: toRecord(span.tags),
    resource: toRecord(processes[span.processID]?.tags ?? []),
    warnings: span.warnings ?? [],
  }));
}

function toRecord(tags: readonly JaegerTag[]): Record<string, string | number | boolean> {
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}

function plainOf(attributes: readonly OtlpAttribute[]): StoredSpan['tags'] {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));
}
