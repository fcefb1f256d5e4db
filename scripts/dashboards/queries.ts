/** Expressions of PromQL over the registry's metrics: a name that the registry does not have cannot be asked for. */
import { unitWord } from '../../receiver/telemetry/prometheus-names.ts';
import type { MetricDescriptor } from '../../semconv/types.ts';

/** What tells series of one metric apart besides its attributes: `job` is `service.name`. */
const RESOURCE_LABELS = ['job', 'instance', 'host_name'] as const;
/** Resources of the chosen hosts; of two with one instance, as at a restart, one. */
const HOSTS = 'max by (job, instance, host_name) (target_info{host_name=~"$host"})';

/** How a metric is looked at. */
export interface Look {
  /** Attributes of the metric, or labels of its resource. */
  readonly by?: readonly string[];
  /** Values of attributes: text, or a regular expression when it begins with `~`; `!` before either turns it round. */
  readonly where?: Readonly<Record<string, string>>;
  /** The chosen hosts alone, with `host_name` to sum by. */
  readonly hosts?: boolean;
  /** Default: what Grafana takes for the width of a panel. */
  readonly over?: string;
}

/** The name that Prometheus' OTLP receiver and the collector's exporter give a metric. */
export function seriesName({ name, unit, instrument }: MetricDescriptor): string {
  const total = instrument === 'counter' ? 'total' : '';
  const words = [unitWord(unit, instrument === 'gauge'), total].filter((word) => word !== '');
  return [name.replaceAll('.', '_'), ...words].join('_');
}

/** What counters gain a second. */
export function rateOf(metric: MetricDescriptor, look: Look = {}): string {
  return summed(metric, `rate(${selector(metric, '', look)}[${rangeOf(look)}])`, look);
}

/** What counters gained in the range. */
export function increaseOf(metric: MetricDescriptor, look: Look & { readonly over: string }): string {
  return summed(metric, `increase(${selector(metric, '', look)}[${look.over}])`, look);
}

/** What stands now. */
export function sumOf(metric: MetricDescriptor, look: Look = {}): string {
  return summed(metric, selector(metric, '', look), look);
}

/** A quantile of a histogram. */
export function quantileOf(quantile: number, metric: MetricDescriptor, look: Look = {}): string {
  const buckets = `rate(${selector(metric, '_bucket', look)}[${rangeOf(look)}])`;
  const summedUp = summed(metric, buckets, { ...look, by: ['le', ...(look.by ?? [])] });
  return `histogram_quantile(${String(quantile)}, ${summedUp})`;
}

/** Samples of a histogram a second. */
export function samplesOf(metric: MetricDescriptor, look: Look = {}): string {
  return summed(metric, `rate(${selector(metric, '_count', look)}[${rangeOf(look)}])`, look);
}

function rangeOf({ over = '$__rate_interval' }: Look): string {
  return over;
}

function selector(metric: MetricDescriptor, suffix: string, { where = {} }: Look): string {
  const matchers = Object.entries(where).map(([key, value]) => {
    const isTurned = value.startsWith('!');
    const rest = isTurned ? value.slice(1) : value;
    const isPattern = rest.startsWith('~');
    const operator = `${isTurned ? '!' : ''}${isPattern ? '=~' : '='}`.replace('!=~', '!~');
    return `${labelOf(metric, key)}${operator}${JSON.stringify(isPattern ? rest.slice(1) : rest)}`;
  });
  return `${seriesName(metric)}${suffix}${matchers.length > 0 ? `{${matchers.join(',')}}` : ''}`;
}

function summed(metric: MetricDescriptor, expression: string, { by = [], hosts = false }: Look): string {
  const labels = by.map((key) => labelOf(metric, key));
  if (labels.includes('host_name') && !hosts) throw new Error(`${metric.name} by host, but of no hosts`);
  const joined = hosts ? `${expression} * on (job, instance) group_left (host_name) ${HOSTS}` : expression;
  return `sum ${labels.length > 0 ? `by (${labels.join(', ')}) ` : ''}(${joined})`;
}

/** The label of an attribute. Throws when the metric has no such attribute. */
function labelOf({ name, attributes }: MetricDescriptor, key: string): string {
  if (key === 'le' || RESOURCE_LABELS.some((label) => label === key)) return key;
  if (!attributes.some((attribute) => attribute.key === key)) throw new Error(`${name} has no ${key}`);
  return key.replaceAll('.', '_');
}

/** One of another. */
export function shareOf(part: string, whole: string): string {
  return `${part} / ${whole}`;
}
