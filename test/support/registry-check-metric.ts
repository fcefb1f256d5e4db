import type { AttributeUse, MetricDescriptor } from '../../semconv/index.ts';
import { plainValue } from './otlp-json.ts';
import type { OtlpAttribute, OtlpMetric, OtlpPoint } from './otlp-json.ts';

const OVERFLOW = 'otel.metric.overflow';
const CUMULATIVE = 2;

type AttributeCheck = (
  label: string,
  found: readonly OtlpAttribute[],
  uses: readonly AttributeUse[],
) => readonly string[];

/** What in one metric of one resource and collection does not agree with its descriptor. */
export function checkMetric(
  metric: OtlpMetric,
  descriptor: MetricDescriptor,
  checkAttributes: AttributeCheck,
): string[] {
  const label = `metric ${metric.name}`;
  const points = metric.sum?.dataPoints ?? metric.histogram?.dataPoints ?? metric.gauge?.dataPoints ?? [];
  const problems = [...checkKind(label, metric, descriptor), ...checkSeries(label, points, descriptor)];
  if ((metric.unit ?? '') !== descriptor.unit) {
    problems.push(`${label} has the unit "${metric.unit ?? ''}", not "${descriptor.unit}"`);
  }
  if (metric.description !== descriptor.description) problems.push(`${label} has another description`);
  for (const point of points) {
    const attributes = point.attributes ?? [];
    if (!isOverflow(attributes)) problems.push(...checkAttributes(label, attributes, descriptor.attributes));
    problems.push(...(metric.histogram === undefined ? checkNumber : checkBuckets)(label, point, descriptor));
  }
  return problems;
}

/** The one series that stands for all above the limit; it has no other attribute. */
function isOverflow(attributes: readonly OtlpAttribute[]): boolean {
  return attributes.length === 1 && attributes[0]?.key === OVERFLOW && attributes[0].value.boolValue === true;
}

function checkKind(
  label: string,
  { sum, histogram, exponentialHistogram }: OtlpMetric,
  d: MetricDescriptor,
): string[] {
  const is = kindOf(sum, histogram ?? exponentialHistogram);
  const problems = is === d.instrument ? [] : [`${label} is exported as a ${is}, not as a ${d.instrument}`];
  if (is === 'updowncounter' && sum?.aggregationTemporality !== CUMULATIVE)
    problems.push(`${label} is not cumulative`);
  return problems;
}

function kindOf(sum: OtlpMetric['sum'], histogram: unknown): MetricDescriptor['instrument'] {
  if (sum !== undefined) return sum.isMonotonic === true ? 'counter' : 'updowncounter';
  return histogram === undefined ? 'gauge' : 'histogram';
}

/** No attribute set twice (one writer a stream), and no more series than allowed. */
function checkSeries(label: string, points: readonly OtlpPoint[], { maxSeries }: MetricDescriptor): string[] {
  const sets = points.map(({ attributes = [] }) =>
    JSON.stringify(
      attributes
        .map(({ key, value }) => [key, plainValue(value)] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  );
  const problems =
    new Set(sets).size === sets.length ? [] : [`${label} has two points with the same attributes`];
  if (points.length > maxSeries)
    problems.push(`${label} has ${points.length} series, more than ${maxSeries}`);
  return problems;
}

function checkNumber(label: string, point: OtlpPoint, { valueType, instrument }: MetricDescriptor): string[] {
  const value = valueType === 'int' ? point.asInt : point.asDouble;
  if (value === undefined) return [`${label} is not exported as ${valueType}`];
  return instrument === 'counter' && Number(value) < 0 ? [`${label} is a counter below zero`] : [];
}

function checkBuckets(label: string, point: OtlpPoint, { boundaries = [] }: MetricDescriptor): string[] {
  const { explicitBounds = [], bucketCounts = [], count = 0 } = point;
  if (explicitBounds.join() !== boundaries.join()) return [`${label} has other boundaries`];
  if (bucketCounts.length !== boundaries.length + 1) return [`${label} has ${bucketCounts.length} buckets`];
  const total = bucketCounts.reduce<number>((sum, bucket) => sum + Number(bucket), 0);
  return total === Number(count) ? [] : [`${label}: the buckets sum to ${total}, the count is ${count}`];
}
