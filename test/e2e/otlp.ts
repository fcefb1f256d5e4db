/** Sums over what the collector wrote: final cumulative values by name, resource and attributes. */
import type { LogEntry, MetricPoint, PlainAttributes, SpanEntry } from '../backends/otlp.ts';

/** Attributes that must be equal; `undefined`: must be absent. */
export type Match = Readonly<Record<string, string | number | boolean | undefined>>;

/** Which points, spans or log records. */
export interface Where {
  readonly resource?: Match;
  readonly attributes?: Match;
  /** Only of these processes. */
  readonly pids?: ReadonlySet<number>;
}

/** Whether every attribute of `match` is as it says. */
export function isMatch(attributes: PlainAttributes, match: Match = {}): boolean {
  return Object.entries(match).every(([name, value]) => attributes[name] === value);
}

function isWhere(entry: { resource: PlainAttributes; attributes: PlainAttributes }, where: Where): boolean {
  const { resource, attributes, pids } = where;
  const pid = entry.resource['process.pid'] ?? entry.attributes['process.pid'];
  return (
    isMatch(entry.resource, resource) &&
    isMatch(entry.attributes, attributes) &&
    (pids === undefined || pids.has(Number(pid)))
  );
}

/** Points of one metric that match. */
export function findPoints(points: readonly MetricPoint[], name: string, where: Where = {}): MetricPoint[] {
  return points.filter((point) => point.name === name && isWhere(point, where));
}

/** Spans of one name that match. */
export function findSpans(
  spans: readonly SpanEntry[],
  name: string | RegExp,
  where: Where = {},
): SpanEntry[] {
  return spans.filter(
    (span) => (typeof name === 'string' ? span.name === name : name.test(span.name)) && isWhere(span, where),
  );
}

/** Log records of one event that match. */
export function findEvents(logs: readonly LogEntry[], name: string, where: Where = {}): LogEntry[] {
  return logs.filter((log) => log.eventName === name && isWhere(log, where));
}

/** The last point of every cumulative series; a series that began again counts once for each beginning. */
export function finalPoints(points: readonly MetricPoint[]): MetricPoint[] {
  const last = new Map<string, MetricPoint>();
  for (const point of points) {
    const key = JSON.stringify([
      sorted(point.resource),
      point.scope,
      point.name,
      sorted(point.attributes),
      point.startNs.toString(),
    ]);
    const before = last.get(key);
    if (before === undefined || before.timeNs <= point.timeNs) last.set(key, point);
  }
  return [...last.values()];
}

/** A counter's final total over the series that match. */
export function totalOf(points: readonly MetricPoint[], name: string, where: Where = {}): number {
  return finalPoints(findPoints(points, name, where)).reduce((total, point) => total + point.value, 0);
}

/** A histogram's final count and sum over the series that match. */
export function histogramOf(
  points: readonly MetricPoint[],
  name: string,
  where: Where = {},
): { count: number; sum: number } {
  const final = finalPoints(findPoints(points, name, where));
  return {
    count: final.reduce((total, point) => total + point.count, 0),
    sum: final.reduce((total, point) => total + point.value, 0),
  };
}

/**
 * An UpDownCounter's value as of the metric's last export: series that were not exported then are gone.
 * Undefined when the metric was never exported at all.
 */
export function currentOf(
  points: readonly MetricPoint[],
  name: string,
  where: Where = {},
): number | undefined {
  const all = findPoints(points, name);
  if (all.length === 0) return undefined;
  const newest = all.reduce((time, point) => (point.timeNs > time ? point.timeNs : time), 0n);
  return all
    .filter((point) => point.timeNs === newest && isWhere(point, where))
    .reduce((total, point) => total + point.value, 0);
}

/** Final totals by the values of some attributes (of the resource or the point), e.g. `{'client|local_fin': 7}`. */
export function totalsBy(
  points: readonly MetricPoint[],
  names: readonly string[],
  valueOf: (point: MetricPoint) => number = (point) => point.value,
): Record<string, number> {
  const totals: Record<string, number> = {};
  for (const point of finalPoints(points)) {
    const key = names.map((name) => String(point.attributes[name] ?? point.resource[name] ?? '')).join('|');
    const value = valueOf(point);
    if (value !== 0) totals[key] = (totals[key] ?? 0) + value;
  }
  return totals;
}

function sorted(attributes: PlainAttributes): [string, unknown][] {
  return Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
}
