/** What the collector wrote, flattened: one entry a point, span or log record, attributes as plain objects. */
import { readOtlpJsonLines } from './run.ts';

/** An attribute value; 64-bit integers that fit are numbers. */
export type PlainValue = string | number | boolean | PlainValue[] | { [key: string]: PlainValue } | undefined;

/** Attributes by name. */
export type PlainAttributes = Record<string, PlainValue>;

/** One data point of a metric. */
export interface MetricPoint {
  readonly resource: PlainAttributes;
  readonly scope: string;
  readonly name: string;
  readonly unit: string;
  readonly type: 'sum' | 'gauge' | 'histogram' | 'exponentialHistogram';
  /** 1: delta, 2: cumulative; undefined for a gauge. */
  readonly temporality: number | undefined;
  readonly isMonotonic: boolean;
  readonly attributes: PlainAttributes;
  readonly startNs: bigint;
  readonly timeNs: bigint;
  /** Sum or gauge: the value. Histogram: its sum. */
  readonly value: number;
  /** Histogram only. */
  readonly count: number;
  readonly bounds: readonly number[];
  readonly bucketCounts: readonly number[];
  readonly exemplars: readonly ExemplarEntry[];
}

/** One exemplar of a point. */
export interface ExemplarEntry {
  readonly traceId: string;
  readonly spanId: string;
  readonly value: number;
  readonly timeNs: bigint;
}

/** One span. */
export interface SpanEntry {
  readonly resource: PlainAttributes;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** '' for a root. */
  readonly parentSpanId: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: PlainAttributes;
  readonly statusCode: number;
  readonly links: readonly { traceId: string; spanId: string }[];
}

/** One log record. */
export interface LogEntry {
  readonly resource: PlainAttributes;
  readonly eventName: string;
  readonly timeNs: bigint;
  readonly severity: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly body: PlainValue;
  readonly attributes: PlainAttributes;
}

/* The parts of OTLP's JSON that are read; 64-bit integers come as strings. */
interface JsonValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values?: readonly JsonValue[] };
  readonly kvlistValue?: { readonly values?: readonly JsonAttribute[] };
}
interface JsonAttribute {
  readonly key: string;
  readonly value?: JsonValue;
}
interface JsonScoped {
  readonly scope?: { readonly name?: string };
}
interface JsonResource<Scoped extends JsonScoped> {
  readonly resource?: { readonly attributes?: readonly JsonAttribute[] };
  readonly scopeMetrics?: readonly Scoped[];
  readonly scopeSpans?: readonly Scoped[];
  readonly scopeLogs?: readonly Scoped[];
}
interface JsonPoint {
  readonly attributes?: readonly JsonAttribute[];
  readonly startTimeUnixNano?: string;
  readonly timeUnixNano?: string;
  readonly asInt?: string | number;
  readonly asDouble?: number;
  readonly sum?: number;
  readonly count?: string | number;
  readonly explicitBounds?: readonly number[];
  readonly bucketCounts?: readonly (string | number)[];
  readonly exemplars?: readonly JsonExemplar[];
}
interface JsonExemplar {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly timeUnixNano?: string;
  readonly asInt?: string | number;
  readonly asDouble?: number;
}
interface JsonData {
  readonly dataPoints?: readonly JsonPoint[];
  readonly aggregationTemporality?: number;
  readonly isMonotonic?: boolean;
}
interface JsonMetrics extends JsonScoped {
  readonly metrics?: readonly ({ readonly name: string; readonly unit?: string } & {
    readonly [Type in MetricPoint['type']]?: JsonData;
  })[];
}
interface JsonSpans extends JsonScoped {
  readonly spans?: readonly {
    readonly name?: string;
    readonly traceId?: string;
    readonly spanId?: string;
    readonly parentSpanId?: string;
    readonly kind?: number;
    readonly startTimeUnixNano?: string;
    readonly endTimeUnixNano?: string;
    readonly attributes?: readonly JsonAttribute[];
    readonly status?: { readonly code?: number };
    readonly links?: readonly { readonly traceId?: string; readonly spanId?: string }[];
  }[];
}
interface JsonLogs extends JsonScoped {
  readonly logRecords?: readonly {
    readonly eventName?: string;
    readonly timeUnixNano?: string;
    readonly severityNumber?: number;
    readonly traceId?: string;
    readonly spanId?: string;
    readonly body?: JsonValue;
    readonly attributes?: readonly JsonAttribute[];
  }[];
}

const POINT_TYPES = ['sum', 'gauge', 'histogram', 'exponentialHistogram'] as const;

/** Every metric point of the collector's metrics file, in the order in which it came. */
export function readMetricPoints(path: string): MetricPoint[] {
  const requests = readOtlpJsonLines<{ resourceMetrics?: JsonResource<JsonMetrics>[] }>(path);
  return requests
    .flatMap(({ resourceMetrics = [] }) => resourceMetrics)
    .flatMap(({ resource, scopeMetrics = [] }) =>
      scopeMetrics.flatMap(({ scope, metrics = [] }) =>
        metrics.flatMap((metric) =>
          POINT_TYPES.flatMap((type) =>
            (metric[type]?.dataPoints ?? []).map((point) => ({
              resource: toAttributes(resource?.attributes),
              scope: scope?.name ?? '',
              name: metric.name,
              unit: metric.unit ?? '',
              type,
              temporality: metric[type]?.aggregationTemporality,
              isMonotonic: metric[type]?.isMonotonic ?? false,
              ...toPoint(point),
            })),
          ),
        ),
      ),
    );
}

function toPoint(
  point: JsonPoint,
): Pick<
  MetricPoint,
  'attributes' | 'startNs' | 'timeNs' | 'value' | 'count' | 'bounds' | 'bucketCounts' | 'exemplars'
> {
  return {
    attributes: toAttributes(point.attributes),
    startNs: BigInt(point.startTimeUnixNano ?? 0),
    timeNs: BigInt(point.timeUnixNano ?? 0),
    value: point.asDouble ?? Number(point.asInt ?? point.sum ?? 0),
    count: Number(point.count ?? 0),
    bounds: point.explicitBounds ?? [],
    bucketCounts: (point.bucketCounts ?? []).map(Number),
    exemplars: (point.exemplars ?? []).map((exemplar) => ({
      traceId: exemplar.traceId ?? '',
      spanId: exemplar.spanId ?? '',
      value: exemplar.asDouble ?? Number(exemplar.asInt ?? 0),
      timeNs: BigInt(exemplar.timeUnixNano ?? 0),
    })),
  };
}

/** Every span of the collector's traces file. */
export function readSpans(path: string): SpanEntry[] {
  const requests = readOtlpJsonLines<{ resourceSpans?: JsonResource<JsonSpans>[] }>(path);
  return requests
    .flatMap(({ resourceSpans = [] }) => resourceSpans)
    .flatMap(({ resource, scopeSpans = [] }) =>
      scopeSpans
        .flatMap(({ spans = [] }) => spans)
        .map((span) => ({
          resource: toAttributes(resource?.attributes),
          name: span.name ?? '',
          traceId: span.traceId ?? '',
          spanId: span.spanId ?? '',
          parentSpanId: span.parentSpanId ?? '',
          kind: span.kind ?? 0,
          startNs: BigInt(span.startTimeUnixNano ?? 0),
          endNs: BigInt(span.endTimeUnixNano ?? 0),
          attributes: toAttributes(span.attributes),
          statusCode: span.status?.code ?? 0,
          links: (span.links ?? []).map(({ traceId = '', spanId = '' }) => ({ traceId, spanId })),
        })),
    );
}

/** Every log record of the collector's logs file. */
export function readLogs(path: string): LogEntry[] {
  const requests = readOtlpJsonLines<{ resourceLogs?: JsonResource<JsonLogs>[] }>(path);
  return requests
    .flatMap(({ resourceLogs = [] }) => resourceLogs)
    .flatMap(({ resource, scopeLogs = [] }) =>
      scopeLogs
        .flatMap(({ logRecords = [] }) => logRecords)
        .map((record) => ({
          resource: toAttributes(resource?.attributes),
          eventName: record.eventName ?? '',
          timeNs: BigInt(record.timeUnixNano ?? 0),
          severity: record.severityNumber ?? 0,
          traceId: record.traceId ?? '',
          spanId: record.spanId ?? '',
          body: toValue(record.body),
          attributes: toAttributes(record.attributes),
        })),
    );
}

function toAttributes(attributes: readonly JsonAttribute[] = []): PlainAttributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toValue(value)]));
}

function toValue(value: JsonValue = {}): PlainValue {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(toValue);
  if (value.kvlistValue !== undefined) return toAttributes(value.kvlistValue.values);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.doubleValue ?? value.boolValue;
}
