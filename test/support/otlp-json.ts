/** The parts of OTLP/JSON, as the Collector's file exporter writes it, that the tests read. 64-bit integers are text. */
export interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] };
}

export interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

export interface OtlpScope {
  readonly name?: string;
  readonly version?: string;
}

export interface OtlpPoint {
  readonly attributes?: readonly OtlpAttribute[];
  readonly asInt?: string | number;
  readonly asDouble?: number;
  readonly count?: string | number;
  readonly sum?: number;
  readonly bucketCounts?: readonly (string | number)[];
  readonly explicitBounds?: readonly number[];
}

export interface OtlpMetric {
  readonly name: string;
  readonly unit?: string;
  readonly description?: string;
  readonly sum?: {
    dataPoints?: readonly OtlpPoint[];
    isMonotonic?: boolean;
    aggregationTemporality?: number;
  };
  readonly histogram?: { dataPoints?: readonly OtlpPoint[]; aggregationTemporality?: number };
  readonly exponentialHistogram?: { dataPoints?: readonly OtlpPoint[] };
  readonly gauge?: { dataPoints?: readonly OtlpPoint[] };
}

export interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind?: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly OtlpAttribute[];
  readonly status?: { code?: number };
}

export interface OtlpLogRecord {
  readonly eventName?: string;
  readonly severityNumber?: number;
  readonly severityText?: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly attributes?: readonly OtlpAttribute[];
}

interface Resource {
  readonly attributes?: readonly OtlpAttribute[];
}

/** One line of the file: an export request of one signal. */
export interface OtlpLine {
  readonly resourceMetrics?: readonly {
    resource?: Resource;
    scopeMetrics?: readonly { scope?: OtlpScope; metrics?: readonly OtlpMetric[] }[];
  }[];
  readonly resourceSpans?: readonly {
    resource?: Resource;
    scopeSpans?: readonly { scope?: OtlpScope; spans?: readonly OtlpSpan[] }[];
  }[];
  readonly resourceLogs?: readonly {
    resource?: Resource;
    scopeLogs?: readonly { scope?: OtlpScope; logRecords?: readonly OtlpLogRecord[] }[];
  }[];
}

/** An attribute's value as a plain one; integers become numbers. */
export function plainValue({
  stringValue,
  intValue,
  doubleValue,
  boolValue,
}: OtlpValue): string | number | boolean {
  if (intValue !== undefined) return Number(intValue);
  return stringValue ?? doubleValue ?? boolValue ?? '';
}
