import { ATTRIBUTES, EVENTS, METRICS, SCOPE_NAMES, SPANS, VERSION } from '../../semconv/index.ts';
import type { AttributeUse, EventDescriptor, Scope, SpanDescriptor } from '../../semconv/index.ts';
import { plainValue } from './otlp-json.ts';
import type { OtlpAttribute, OtlpLine, OtlpLogRecord, OtlpMetric, OtlpScope, OtlpSpan } from './otlp-json.ts';
import { checkMetric } from './registry-check-metric.ts';

const ROOT = 'wirespan';
const ATTRIBUTE_BY_KEY = new Map(ATTRIBUTES.map((attribute) => [attribute.key, attribute]));
const METRIC_BY_NAME = new Map(METRICS.map((metric) => [metric.name, metric]));
const EVENT_BY_NAME = new Map(EVENTS.map((event) => [event.name, event]));
const VALUE_FIELD = {
  string: 'stringValue',
  int: 'intValue',
  double: 'doubleValue',
  boolean: 'boolValue',
  'string[]': 'arrayValue',
  'int[]': 'arrayValue',
  'double[]': 'arrayValue',
} as const;
const SPAN_KIND_INTERNAL = 1;
const STATUS_ERROR = 2;

/**
 * Compares exported telemetry with the registry: every name, unit, kind, attribute key and type, enum value and
 * boundary in our scopes. Takes the lines that the Collector's file exporter wrote; other people's scopes are
 * passed over, unless they use our names. Returns what does not agree, each sentence once.
 */
export function checkAgainstRegistry(lines: readonly OtlpLine[]): string[] {
  const violations = new Set<string>();
  for (const line of lines) {
    for (const found of checkLine(line)) violations.add(found);
  }
  return [...violations];
}

function checkLine({ resourceMetrics = [], resourceSpans = [], resourceLogs = [] }: OtlpLine): string[] {
  return [
    ...resourceMetrics
      .flatMap(({ scopeMetrics = [] }) => scopeMetrics)
      .flatMap(({ scope, metrics = [] }) => [
        ...checkScope(scope),
        ...metrics.flatMap((metric) => checkMetricInScope(metric, scope)),
      ]),
    ...resourceSpans
      .flatMap(({ scopeSpans = [] }) => scopeSpans)
      .flatMap(({ scope, spans = [] }) => [
        ...checkScope(scope),
        ...spans.flatMap((span) => checkSpan(span, scope)),
      ]),
    ...resourceLogs
      .flatMap(({ scopeLogs = [] }) => scopeLogs)
      .flatMap(({ scope, logRecords = [] }) => [
        ...checkScope(scope),
        ...logRecords.flatMap((record) => checkEvent(record, scope)),
      ]),
  ];
}

function isOurs(scope: OtlpScope | undefined): boolean {
  return scope?.name?.startsWith(`${ROOT}/`) ?? false;
}

function checkScope(scope: OtlpScope | undefined): string[] {
  if (!isOurs(scope)) return [];
  const name = scope?.name ?? '';
  const known = Object.values<string>(SCOPE_NAMES).includes(name);
  const problems = known ? [] : [`scope ${name} is unknown`];
  if (scope?.version !== VERSION)
    problems.push(`scope ${name} has version ${scope?.version ?? 'none'}, not ${VERSION}`);
  return problems;
}

/** Undefined when the item is none of our business; else what is wrong with where it is. */
function checkPlace(
  what: string,
  name: string,
  scope: OtlpScope | undefined,
  wanted?: Scope,
): string[] | undefined {
  if (!isOurs(scope)) {
    return name.startsWith(`${ROOT}.`)
      ? [`${what} ${name} is in the scope ${scope?.name ?? 'without name'}`]
      : undefined;
  }
  if (wanted === undefined) return [`${what} ${name} is not in the registry`];
  const right = SCOPE_NAMES[wanted];
  return scope?.name === right ? [] : [`${what} ${name} is in the scope ${scope?.name ?? ''}, not ${right}`];
}

function checkMetricInScope(metric: OtlpMetric, scope: OtlpScope | undefined): string[] {
  const descriptor = METRIC_BY_NAME.get(metric.name);
  const place = checkPlace('metric', metric.name, scope, descriptor?.scope);
  if (place === undefined || descriptor === undefined) return place ?? [];
  return [...place, ...checkMetric(metric, descriptor, checkAttributes)];
}

function checkSpan(span: OtlpSpan, scope: OtlpScope | undefined): string[] {
  const descriptor = SPANS.find(
    ({ name }) => span.name === name || /^\d+$/.test(afterPrefix(span.name, `${name} `)),
  );
  const place = checkPlace('span', span.name, scope, descriptor?.scope);
  if (place === undefined || descriptor === undefined) return place ?? [];
  const label = `span "${descriptor.name}"`;
  const problems = [...place, ...checkAttributes(label, span.attributes ?? [], descriptor.attributes)];
  problems.push(...checkSpanName(span, descriptor));
  if (span.kind !== SPAN_KIND_INTERNAL) problems.push(`${label} has kind ${span.kind ?? 0}, not internal`);
  const failed = find(span.attributes, 'error.type') !== undefined;
  if (failed !== (span.status?.code === STATUS_ERROR))
    problems.push(`${label}: error.type goes with status Error`);
  if (BigInt(span.endTimeUnixNano) < BigInt(span.startTimeUnixNano))
    problems.push(`${label} ends before it starts`);
  return problems;
}

function afterPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : '';
}

function checkSpanName({ name, attributes }: OtlpSpan, descriptor: SpanDescriptor): string[] {
  const suffix = descriptor.namedBy === undefined ? undefined : find(attributes, descriptor.namedBy);
  const expected = suffix === undefined ? descriptor.name : `${descriptor.name} ${suffix}`;
  return name === expected ? [] : [`span "${name}" is called "${expected}"`];
}

function checkEvent(record: OtlpLogRecord, scope: OtlpScope | undefined): string[] {
  const name = record.eventName ?? '';
  const descriptor = EVENT_BY_NAME.get(name);
  const place = checkPlace('event', name, scope, descriptor?.scope);
  if (place === undefined || descriptor === undefined) return place ?? [];
  const label = `event ${name}`;
  const problems = [...place, ...checkAttributes(label, record.attributes ?? [], descriptor.attributes)];
  problems.push(...checkSeverity(record, descriptor));
  const hasContext = (record.traceId ?? '') !== '' && (record.spanId ?? '') !== '';
  const hasMethod = find(record.attributes, 'wirespan.correlation.method') !== undefined;
  if (hasMethod && !hasContext) problems.push(`${label} has a correlation method but no trace context`);
  return problems;
}

function checkSeverity(
  { severityNumber = 0, severityText = '' }: OtlpLogRecord,
  descriptor: EventDescriptor,
): string[] {
  const problems: string[] = [];
  if (![descriptor.severityNumber, descriptor.severityNumberOnError].includes(severityNumber)) {
    problems.push(`event ${descriptor.name} has severity ${severityNumber}`);
  }
  if (severityText !== '') problems.push(`event ${descriptor.name} has a severity text`);
  return problems;
}

function find(
  attributes: readonly OtlpAttribute[] | undefined,
  key: string,
): string | number | boolean | undefined {
  const found = attributes?.find((attribute) => attribute.key === key);
  return found && plainValue(found.value);
}

/** Keys are registered for the signal, the required ones present, each once, types and enum values right. */
function checkAttributes(
  label: string,
  found: readonly OtlpAttribute[],
  uses: readonly AttributeUse[],
): string[] {
  const keys = found.map(({ key }) => key);
  const missing = uses.filter(({ key, level }) => level === 'required' && !keys.includes(key));
  return [
    ...missing.map(({ key }) => `${label} lacks ${key}`),
    ...keys.filter((key, index) => keys.indexOf(key) !== index).map((key) => `${label} has ${key} twice`),
    ...found.flatMap((attribute) =>
      uses.some(({ key }) => key === attribute.key)
        ? checkValue(label, attribute)
        : [`${label} has the attribute ${attribute.key}, which is not registered for it`],
    ),
  ];
}

function checkValue(label: string, { key, value }: OtlpAttribute): string[] {
  const attribute = ATTRIBUTE_BY_KEY.get(key);
  if (attribute === undefined) return [`${label} has ${key}, which is not in the registry`];
  if (value[VALUE_FIELD[attribute.type]] === undefined) return [`${label}: ${key} is no ${attribute.type}`];
  const plain = plainValue(value);
  if (attribute.values === undefined || attribute.open || attribute.values.includes(String(plain))) return [];
  return [`${label}: ${key} has the unregistered value ${String(plain)}`];
}
