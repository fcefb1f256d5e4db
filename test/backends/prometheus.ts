/** Starts the real Prometheus on 127.0.0.1 for the end-to-end tests, and asks it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backEndPath } from './build.ts';
import { findFreePorts, startBackEnd } from './process.ts';
import type { RunningBackEnd } from './process.ts';

/** How Prometheus is started. Its receivers for OTLP and for remote write are on. */
export interface PrometheusOptions {
  /** Folder for its configuration and its data; made when it is not there. */
  readonly outputDir: string;
  /** Ports of 127.0.0.1 that it scrapes each second. */
  readonly scrapes?: readonly number[];
  /** `job` and `instance` stay what was scraped, as docs/backends.md advises. */
  readonly honorsLabels?: boolean;
  /** What `--enable-feature` gets. */
  readonly features?: readonly string[];
}

/** One series of an answer. */
export interface PrometheusSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Unix seconds and value. An instant vector has one. */
  readonly samples: readonly (readonly [number, number])[];
}

/** The real Prometheus. */
export interface Prometheus extends RunningBackEnd {
  readonly port: number;
  /** Where OTLP over HTTP goes: `/v1/metrics` is added to it. */
  readonly otlpEndpoint: string;
  readonly remoteWriteEndpoint: string;
  /** The series that an expression gives now; of a range such as `x[1h]`, every sample. */
  readonly query: (expression: string) => Promise<PrometheusSeries[]>;
  /** The sum over what an expression gives now; 0: it gives nothing. */
  readonly total: (expression: string) => Promise<number>;
  /** Answers `/api/v1/query_exemplars` of the last hour. */
  readonly exemplars: (selector: string) => Promise<readonly PrometheusExemplars[]>;
}

/** Exemplars of one series. */
export interface PrometheusExemplars {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: string;
  }[];
}

interface RawSeries {
  readonly metric: Record<string, string>;
  readonly value?: [number, string];
  readonly values?: [number, string][];
}

/** Starts Prometheus with all its defaults but the given, and waits until it answers. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const { outputDir, features = [] } = options;
  const [port = 0] = await findFreePorts(1);
  const base = `http://127.0.0.1:${port}`;
  mkdirSync(outputDir, { recursive: true });
  const config = join(outputDir, 'prometheus.json');
  writeFileSync(config, JSON.stringify(configOf(options)));
  const running = await startBackEnd({
    name: 'Prometheus',
    command: await backEndPath('prometheus'),
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(outputDir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-otlp-receiver',
      '--web.enable-remote-write-receiver',
      ...(features.length === 0 ? [] : [`--enable-feature=${features.join(',')}`]),
    ],
    isReady: async () => (await fetch(`${base}/-/ready`)).ok,
  });
  const ask = async (path: string, parameters: Record<string, string>): Promise<unknown> => {
    const answer = await fetch(`${base}/api/v1/${path}`, {
      method: 'POST',
      body: new URLSearchParams(parameters),
    });
    const { data, error } = (await answer.json()) as { data: unknown; error?: string };
    if (!answer.ok) throw new Error(`Prometheus answered ${answer.status}: ${error}`);
    return data;
  };
  const query = async (expression: string): Promise<PrometheusSeries[]> => {
    const { result } = (await ask('query', { query: expression })) as { result: RawSeries[] };
    return result.map(toSeries);
  };
  return {
    ...running,
    port,
    otlpEndpoint: `${base}/api/v1/otlp`,
    remoteWriteEndpoint: `${base}/api/v1/write`,
    query,
    total: async (expression) => {
      const series = await query(expression);
      return series.reduce((sum, { samples }) => sum + (samples[0]?.[1] ?? 0), 0);
    },
    exemplars: async (selector) => {
      const now = Date.now() / 1000;
      const range = { start: String(now - 3600), end: String(now + 60) };
      return (await ask('query_exemplars', { query: selector, ...range })) as PrometheusExemplars[];
    },
  };
}

function configOf({ scrapes = [], honorsLabels = false }: PrometheusOptions): object {
  return {
    global: { scrape_interval: '1s' },
    scrape_configs: scrapes.map((port) => ({
      job_name: `collector-${port}`,
      honor_labels: honorsLabels,
      static_configs: [{ targets: [`127.0.0.1:${port}`] }],
    })),
  };
}

function toSeries({ metric, value, values }: RawSeries): PrometheusSeries {
  const samples = values ?? (value === undefined ? [] : [value]);
  return { labels: metric, samples: samples.map(([time, text]) => [time, Number(text)] as const) };
}
