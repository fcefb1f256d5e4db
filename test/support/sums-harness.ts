import assert from 'node:assert/strict';
import type { Attributes } from '@opentelemetry/api';
import { ConnectionSums } from '../../receiver/signals/connection/sums.ts';
import type { SumsContext } from '../../receiver/signals/context.ts';
import { DropDetails } from '../../receiver/signals/drop/details.ts';
import type { MapImage } from '../../receiver/model/map-image.ts';
import type { HistogramDelta, MetricSink, RareSeries } from '../../receiver/model/metric-sink.ts';
import type { ObservedResource, Owner } from '../../receiver/model/resource.ts';
import type { MetricDescriptor } from '../../semconv/index.ts';
import { dropSite, mapImage, seriesKey, seriesValue } from '../fixtures/records/write-rows.ts';

/** Which series: metric name, resource and attributes. */
function seriesOf({ name }: MetricDescriptor, { id }: ObservedResource, attributes: Attributes): string {
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return [name, id, ...sorted.map(([key, value]) => `${key}=${String(value)}`)].join(' ');
}

/** Sums deltas as a store would, and refuses what no store may be given. */
export class TestSink implements MetricSink {
  readonly sums = new Map<string, number>();
  readonly histograms = new Map<string, { counts: number[]; sum: number }>();
  readonly expected = new Set<string>();
  gauges = new Map<string, number>();
  calls = 0;

  add(metric: MetricDescriptor, resource: ObservedResource, attributes: Attributes, delta: number): void {
    assert.ok(delta > 0, `${metric.name} gained ${delta}`);
    this.calls += 1;
    const series = seriesOf(metric, resource, attributes);
    this.sums.set(series, (this.sums.get(series) ?? 0) + delta);
  }

  addHistogram(
    metric: MetricDescriptor,
    resource: ObservedResource,
    attributes: Attributes,
    { counts, sum }: HistogramDelta,
  ): void {
    assert.equal(counts.length, (metric.boundaries?.length ?? 0) + 1, metric.name);
    assert.ok(counts.every((count) => count >= 0) && counts.some((count) => count > 0) && sum >= 0);
    this.calls += 1;
    const series = seriesOf(metric, resource, attributes);
    const before = this.histograms.get(series);
    this.histograms.set(series, {
      counts: counts.map((count, i) => count + (before?.counts[i] ?? 0)),
      sum: sum + (before?.sum ?? 0),
    });
  }

  set(metric: MetricDescriptor, resource: ObservedResource, attributes: Attributes, value: number): void {
    this.calls += 1;
    const series = seriesOf(metric, resource, attributes);
    this.gauges.set(series, (this.gauges.get(series) ?? 0) + value);
  }

  /** Every one is asked for at once. */
  expect(resource: ObservedResource, _by: object, series: () => readonly RareSeries[]): void {
    for (const [metric, attributes] of series()) this.expected.add(seriesOf(metric, resource, attributes));
  }

  /** The sum of a counter's series whose text has all of these parts. */
  total(...parts: readonly string[]): number {
    let sum = 0;
    for (const [series, value] of this.sums) if (parts.every((part) => series.includes(part))) sum += value;
    return sum;
  }
}

export const HOST: ObservedResource = { id: 'host', kind: 'host', attributes: {} };

export interface Harness extends SumsContext {
  readonly sink: TestSink;
}

/** Owners straight from the key; one resource a process, `w` and its pid; all metrics but `off`. */
export function createHarness(
  given: { optIn?: string[]; off?: readonly MetricDescriptor[]; subnets?: string[] } = {},
): Harness {
  const off = new Set(given.off?.map(({ name }) => name));
  return {
    sink: new TestSink(),
    isOn: ({ name }) => !off.has(name),
    optIn: new Set(given.optIn),
    mask: (address) => address,
    subnets: given.subnets ?? [],
    ownerAt,
    resolve: ({ pid }) => (pid === 0 ? HOST : { id: `w${pid}`, kind: 'workload', attributes: {} }),
    host: () => HOST,
  };
}

/** Details of drops, of which no site is known but those given: number, address, interface. */
export function dropDetails(
  reasonOf: (reason: number) => string,
  sites: readonly (readonly [number, bigint, string])[] = [],
): DropDetails {
  return new DropDetails({
    names: {
      dropReason: reasonOf,
      functionAt: (address) => (address === 0n ? undefined : `f_${address.toString(16)}`),
    },
    read: () => mapImage(sites.map(([number, at, device]) => dropSite(number, at, device))),
  });
}

function ownerAt(view: DataView, at: number): Owner {
  return {
    pid: view.getUint32(at + 8, true),
    startNs: view.getBigUint64(at, true),
    execs: view.getUint32(at + 12, true),
    command: '',
    executable: '',
    cgroupId: 0n,
    netns: 0,
  };
}

export const NGINX = { startNs: 1n, pid: 10 };
export const CLIENT = { owner: NGINX, serverPort: 443, role: 1 };
export const CLIENT_SERIES = 'server.port=443 wirespan.tcp.handshake.role=client';

export function one(key: Parameters<typeof seriesKey>[0], cells: Record<number, bigint | number>): MapImage {
  return mapImage([[seriesKey(key), seriesValue(cells)]]);
}

export function collect(harness: Harness, ...images: readonly MapImage[]): ConnectionSums {
  const sums = new ConnectionSums(harness);
  for (const image of images) sums.update(image);
  return sums;
}
