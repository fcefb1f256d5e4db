/** The ways into a Prometheus: OTLP straight, a collector's remote write, and its scraped exporter. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backEndPath } from '../backends/build.ts';
import { findFreePorts, startBackEnd, type RunningBackEnd } from '../backends/process.ts';
import { startPrometheus, type Prometheus, type PrometheusSeries } from '../backends/prometheus.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { startTee } from './tee.ts';

/** Which series came which way. */
const WAYS = {
  otlp: 'otel_scope_name="",exported_job=""',
  'remote write': 'otel_scope_name!="",exported_job=""',
  scrape: 'exported_job!=""',
} as const;

export type WayName = keyof typeof WAYS;

/** One way into one Prometheus. */
export interface Way {
  readonly name: WayName;
  /** Prometheus takes start times for zeros: `created-timestamp-zero-ingestion`. */
  readonly takesStarts: boolean;
  readonly prometheus: Prometheus;
  /** A selector of one metric of one service; `more`: further matchers. */
  readonly select: (metric: string, service: string, more?: string) => string;
  /** The last value of each instance, in order of size. */
  readonly values: (selector: string) => Promise<number[]>;
  /** What each instance gained in the last hour, in order of size: as `increase()` counts, which guesses what lies beyond. */
  readonly gains: (selector: string) => Promise<number[]>;
}

/** Everything that stands behind the agent. */
export interface Ways {
  /** Where the agent sends its metrics, OTLP over HTTP. */
  readonly endpoint: string;
  readonly all: readonly Way[];
}

/**
 * Two of Prometheus: one as it is, which scrapes the exporter as it is, and one with the switch for start times, which
 * scrapes an exporter that sends timestamps.
 */
export async function startWays(cleanup: Cleanup): Promise<Ways> {
  const folder = cleanup.makeFolder();
  const [http = 0, ...scraped] = await findFreePorts(3);
  const start = async (index: number, features: readonly string[]): Promise<Prometheus> => {
    const options = { outputDir: join(folder, String(index)), scrapes: [scraped[index] ?? 0], features };
    const started = await startPrometheus(options);
    cleanup.add(() => started.stop());
    return started;
  };
  const servers = [await start(0, []), await start(1, ['created-timestamp-zero-ingestion'])];
  const collector = await startCollectorTo(servers, { http, scraped, folder });
  cleanup.add(() => collector.stop());
  const tee = await startTee([
    ...servers.map(({ otlpEndpoint }) => otlpEndpoint),
    `http://127.0.0.1:${http}`,
  ]);
  cleanup.add(() => tee.stop());
  const names = Object.keys(WAYS) as WayName[];
  const all = servers.flatMap((server, index) => names.map((name) => wayOf(name, server, index === 1)));
  return { endpoint: tee.endpoint, all };
}

function wayOf(name: WayName, prometheus: Prometheus, takesStarts: boolean): Way {
  const prefix = name === 'scrape' ? 'exported_' : '';
  return {
    name,
    takesStarts,
    prometheus,
    select: (metric, service, more = '') => `${metric}{${WAYS[name]},${prefix}job="${service}"${more}}`,
    values: async (selector) =>
      sumsBy(`${prefix}instance`, await prometheus.query(selector), ({ samples }) => samples[0]?.[1] ?? NaN),
    gains: async (selector) => sumsBy(`${prefix}instance`, await prometheus.query(`${selector}[1h]`), gainOf),
  };
}

function sumsBy(
  label: string,
  series: readonly PrometheusSeries[],
  valueOf: (series: PrometheusSeries) => number,
): number[] {
  const sums = new Map<string | undefined, number>();
  for (const each of series)
    sums.set(each.labels[label], (sums.get(each.labels[label]) ?? 0) + valueOf(each));
  return [...sums.values()].sort((a, b) => a - b);
}

/** From value to value; one that falls began anew from zero. The first is where it begins. */
function gainOf({ samples }: PrometheusSeries): number {
  const values = samples.map(([, value]) => value);
  return values.slice(1).reduce((sum, value, index) => {
    const before = values[index] ?? 0;
    return sum + (value < before ? value : value - before);
  }, 0);
}

async function startCollectorTo(
  servers: readonly Prometheus[],
  { http, scraped, folder }: { http: number; scraped: readonly number[]; folder: string },
): Promise<RunningBackEnd> {
  const config = join(folder, 'collector.json');
  const at = (port: number | undefined): { endpoint: string } => ({ endpoint: `127.0.0.1:${port}` });
  const exporters: Record<string, object> = {
    prometheus: at(scraped[0]),
    'prometheus/timed': { ...at(scraped[1]), send_timestamps: true },
  };
  for (const [index, { remoteWriteEndpoint }] of servers.entries())
    exporters[`prometheusremotewrite/${index}`] = { endpoint: remoteWriteEndpoint };
  const pipelines = { metrics: { receivers: ['otlp'], exporters: Object.keys(exporters) } };
  const service = { pipelines, telemetry: { metrics: { level: 'none' } } };
  const receivers = { otlp: { protocols: { http: at(http) } } };
  writeFileSync(config, JSON.stringify({ receivers, exporters, service }));
  return startBackEnd({
    name: 'the newer OpenTelemetry Collector',
    command: await backEndPath('otelcol-newest'),
    args: [`--config=file:${config}`],
    isReady: async () => (await fetch(`http://127.0.0.1:${scraped[0]}/metrics`)).ok,
  });
}
