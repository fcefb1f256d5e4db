/** The collector as a user starts it: with otel-collector.yaml as it is, but for ports. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMetricStore, type MetricStore } from '../../receiver/aggregate/metric-store.ts';
import { ExemplarStore, withExemplars } from '../../receiver/aggregate/exemplars.ts';
import { createExporters, type Exporters } from '../../receiver/export/exporters.ts';
import type { OtlpProtocol } from '../../receiver/export/options.ts';
import { createMetricLoop } from '../../receiver/export/metric-loop.ts';
import { backEndPath } from '../backends/build.ts';
import { projectFolder } from '../backends/place.ts';
import { findFreePorts, startBackEnd, type RunningBackEnd } from '../backends/process.ts';
import { exportSettings } from '../support/export-settings.ts';

export type CollectorName = 'otelcol' | 'otelcol-newest';

const FILE = join(projectFolder, 'otel-collector.yaml');

/** What the shipped file says. */
export function shippedText(): string {
  return readFileSync(FILE, 'utf8');
}

/** A collector that runs with the shipped file. */
export interface ShippedCollector extends RunningBackEnd {
  readonly endpoint: string;
  readonly prometheusPort: number;
}

/** Traces go on to 127.0.0.1:`tracesPort`. `file`: another than the shipped one. */
export async function startShipped(
  name: CollectorName,
  tracesPort: number,
  file = FILE,
): Promise<ShippedCollector> {
  const [grpc = 0, http = 0, prometheusPort = 0] = await findFreePorts(3);
  const running = await startBackEnd({
    name,
    command: await backEndPath(name),
    args: [`--config=file:${file}`],
    env: {
      WIRESPAN_COLLECTOR_GRPC: `127.0.0.1:${grpc}`,
      WIRESPAN_COLLECTOR_HTTP: `127.0.0.1:${http}`,
      WIRESPAN_COLLECTOR_PROMETHEUS: `127.0.0.1:${prometheusPort}`,
      WIRESPAN_COLLECTOR_TRACES: `127.0.0.1:${tracesPort}`,
    },
    isReady: async () => (await fetch(`http://127.0.0.1:${prometheusPort}/metrics`)).ok,
  });
  return { ...running, endpoint: `http://127.0.0.1:${grpc}`, prometheusPort };
}

/** Its lines that are worth a look, each without time and place. */
export function warningsOf({ log }: RunningBackEnd): string[] {
  return log()
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([, level]) => level === 'warn' || level === 'error' || level === 'fatal')
    .map(([, , , words = '']) => words);
}

/** What a collector says of a configuration: nothing when it takes it. Rejects with its words otherwise. */
export async function validate(name: CollectorName, text: string, folder: string): Promise<string> {
  const file = join(folder, `${name}-${Math.random()}.yaml`);
  writeFileSync(file, text);
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  return execFileSync(await backEndPath(name), ['validate', `--config=file:${file}`], {
    encoding: 'utf8',
    stdio: [...stdio],
  });
}

/** The agent's own way from measurements to requests, without a kernel. */
export interface Sender {
  readonly store: MetricStore;
  readonly exemplars: ExemplarStore;
  readonly exporters: Exporters;
  /** Ends an interval: all that was measured in it is sent. */
  readonly flush: () => Promise<void>;
}

export function startSender(
  endpoint: string,
  temporality: 'cumulative' | 'delta',
  protocol: OtlpProtocol = 'grpc',
): Sender {
  const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
  const store = createMetricStore({ temporality, startUnixNs: now() - 1_000_000_000n });
  const exemplars = new ExemplarStore();
  const exporters = createExporters(exportSettings({ endpoint, protocol }));
  if (exporters.metrics === undefined) throw new Error('metrics are off');
  const loop = createMetricLoop({
    sources: [withExemplars(store, exemplars)],
    exporter: exporters.metrics,
    intervalMs: 60_000,
    now,
  });
  return { store, exemplars, exporters, flush: () => loop.forceFlush() };
}
