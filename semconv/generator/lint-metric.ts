import { kernelBoundaries } from './emit-bounds.ts';
import type { KernelUnit, Metric } from './model.ts';
import type { MetricDescriptor } from '../types.ts';

/** Points per metric, resource and collection that the SDK's own limit allows. */
const MOST_SERIES = 2000;
const PLAIN_UNITS = new Set(['s', 'By', '1']);
const UNIT_WORDS = new Set(
  'seconds milliseconds microseconds nanoseconds ms us ns bytes kilobytes percent'.split(' '),
);
const KERNEL_UNIT_OF: Readonly<Record<string, KernelUnit>> = { s: 'ns', By: 'bytes', '1': 'ppm' };
/** Never on metrics: as many values as there are connections or processes. */
const UNBOUNDED = new Set([
  'wirespan.tcp.connection.id',
  'process.pid',
  'network.peer.port',
  'network.local.port',
]);
/** Nouns that end in "s" in the singular. */
const SINGULAR_S = new Set(['series', 'status']);

/** Breaches of the rules for metrics, one line each; `names` are the names of all metrics. */
export function lintMetric(metric: Metric, names: ReadonlySet<string>): string[] {
  const problems = [
    ...lintUnit(metric.descriptor),
    ...lintWords(metric.descriptor, names),
    ...lintInstrument(metric.descriptor),
    ...lintCardinality(metric),
    ...lintBoundaries(metric),
  ];
  return problems.map((problem) => `${metric.where}: ${problem}`);
}

function lintUnit({ unit, name }: MetricDescriptor): string[] {
  const problems: string[] = [];
  const thing = /^\{([a-z_]+)\}$/.exec(unit)?.[1];
  if (!PLAIN_UNITS.has(unit) && thing === undefined)
    problems.push(`the unit ${unit} is none of s, By, 1, {thing}`);
  if (thing !== undefined && isPlural(thing)) problems.push(`the unit ${unit} is a plural`);
  const words = name.split(/[._]/);
  if (words.includes('total')) problems.push('the name contains "total"');
  const word = words.find((candidate) => UNIT_WORDS.has(candidate));
  if (word !== undefined) problems.push(`the name contains the unit "${word}"`);
  return problems;
}

function lintWords(descriptor: MetricDescriptor, names: ReadonlySet<string>): string[] {
  const { name, instrument, unit, attributes } = descriptor;
  const tail = name.slice(name.lastIndexOf('.') + 1);
  const sibling = (word: string): boolean => names.has(`${name.slice(0, -tail.length)}${word}`);
  const problems: string[] = [];
  if (instrument === 'updowncounter' && isPlural(tail))
    problems.push('the name of an UpDownCounter is a plural');
  if (tail === 'duration' && (instrument !== 'histogram' || unit !== 's')) {
    problems.push('a ".duration" is a histogram in s');
  }
  if (tail === 'time' && (instrument !== 'counter' || unit !== 's'))
    problems.push('a ".time" is a counter in s');
  if (tail === 'utilization' && unit !== '1') problems.push('a ".utilization" has the unit 1');
  if (tail === 'limit' && !sibling('usage') && !sibling('count')) {
    problems.push('a ".limit" stands beside a ".usage" or a ".count"');
  }
  if (
    tail === 'io' &&
    !attributes.some(({ key, level }) => key === 'network.io.direction' && level === 'required')
  ) {
    problems.push('an ".io" requires network.io.direction');
  }
  return problems;
}

function lintInstrument({ instrument, unit, valueType }: MetricDescriptor): string[] {
  const fractions = instrument === 'histogram' ? unit !== 'By' : unit === 's';
  return (valueType === 'double') === fractions
    ? []
    : [`the value type of a ${instrument} in ${unit} is not ${valueType}`];
}

function lintCardinality({ descriptor, expectedSeries }: Metric): string[] {
  const problems = descriptor.attributes.flatMap(({ key, level }) => {
    if (UNBOUNDED.has(key)) return [`${key} never goes on a metric`];
    const wide = /\.(?:address|id|uid|pid)$/.test(key) || (key.endsWith('.port') && key !== 'server.port');
    return wide && level !== 'opt_in' ? [`${key} has many values, so it can only be opt_in`] : [];
  });
  const { maxSeries } = descriptor;
  if (maxSeries > MOST_SERIES) problems.push(`max_series is at most ${MOST_SERIES}`);
  if (expectedSeries > maxSeries) problems.push('expected_series is above max_series');
  return problems;
}

function lintBoundaries({ descriptor, kernelBounds }: Metric): string[] {
  const { instrument, boundaries, unit } = descriptor;
  if (instrument !== 'histogram') return boundaries === undefined ? [] : ['only a histogram has boundaries'];
  if (boundaries === undefined) return ['a histogram needs explicit_bucket_boundaries'];
  if (!ascends(boundaries)) return ['the boundaries do not ascend'];
  if (kernelBounds === undefined) return [];
  if (KERNEL_UNIT_OF[unit] !== kernelBounds)
    return [`kernel_bounds of a metric in ${unit} are not ${kernelBounds}`];
  const exact = kernelBoundaries(boundaries, kernelBounds);
  return ascends(exact) ? [] : [`two boundaries are equal in ${kernelBounds}`];
}

function ascends(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? Infinity));
}

function isPlural(word: string): boolean {
  return word.endsWith('s') && !word.endsWith('ss') && !SINGULAR_S.has(word);
}
