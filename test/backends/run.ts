/** Starts the real back ends on 127.0.0.1 for the end-to-end tests, and reads what came out of them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { backEndPath } from './build.ts';
import { projectFolder } from './place.ts';
import { findFreePorts, startBackEnd } from './process.ts';
import type { BackEndOptions, RunningBackEnd } from './process.ts';

/** How the collector is started. Ports left out are free ones. */
export interface CollectorOptions {
  readonly grpcPort?: number;
  readonly httpPort?: number;
  /** Folder for the output files and the second configuration; made when it is not there. */
  readonly outputDir: string;
  /** OTLP gRPC port of a Jaeger that traces go to as well, through the exporter of otel-collector.yaml. */
  readonly tracesPort?: number;
  /** Port for Prometheus to read, through the exporter of otel-collector.yaml; none when left out. */
  readonly prometheusPort?: number;
  /** How long it gathers what it writes, such as `100ms`; default: as in the file. */
  readonly batchTimeout?: string;
}

/** The real collector, its output in one file a signal: a JSON export request a line. */
export interface Collector extends RunningBackEnd {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly metricsFile: string;
  readonly logsFile: string;
  readonly tracesFile: string;
}

const COLLECTOR_CONFIG = join(projectFolder, 'otel-collector.yaml');

/**
 * Starts the real collector with the repository's own otel-collector.yaml; a second file only turns the
 * pipelines' outputs to files (and, when asked, keeps those to Jaeger and Prometheus).
 */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const [grpcPort, httpPort] = await choosePorts([options.grpcPort, options.httpPort]);
  mkdirSync(options.outputDir, { recursive: true });
  const files = {
    metricsFile: join(options.outputDir, 'metrics.jsonl'),
    logsFile: join(options.outputDir, 'logs.jsonl'),
    tracesFile: join(options.outputDir, 'traces.jsonl'),
  };
  const outputs = join(options.outputDir, 'outputs.json');
  writeFileSync(outputs, JSON.stringify(overrideOutputs(files, options), undefined, 2));
  const running = await startBackEnd({
    name: 'the OpenTelemetry Collector',
    command: await backEndPath('otelcol'),
    args: [`--config=file:${COLLECTOR_CONFIG}`, `--config=file:${outputs}`],
    env: {
      WIRESPAN_COLLECTOR_GRPC: `127.0.0.1:${grpcPort}`,
      WIRESPAN_COLLECTOR_HTTP: `127.0.0.1:${httpPort}`,
      WIRESPAN_COLLECTOR_TRACES: `127.0.0.1:${options.tracesPort ?? 14317}`,
      WIRESPAN_COLLECTOR_PROMETHEUS: `127.0.0.1:${options.prometheusPort ?? 9464}`,
    },
    isReady: async () => (await isListening(grpcPort)) && (await isListening(httpPort)),
  });
  return { ...running, ...files, grpcPort, httpPort };
}

function overrideOutputs(
  files: Pick<Collector, 'metricsFile' | 'logsFile' | 'tracesFile'>,
  { tracesPort, prometheusPort, batchTimeout }: CollectorOptions,
): object {
  const toFile = (path: string): object => ({ path, append: true, flush_interval: '100ms' });
  return {
    ...(batchTimeout === undefined ? {} : { processors: { batch: { timeout: batchTimeout } } }),
    exporters: {
      'file/metrics': toFile(files.metricsFile),
      'file/logs': toFile(files.logsFile),
      'file/traces': toFile(files.tracesFile),
    },
    service: {
      pipelines: {
        metrics: { exporters: ['file/metrics'] },
        'metrics/prometheus': { exporters: [prometheusPort === undefined ? 'debug' : 'prometheus'] },
        logs: { exporters: ['file/logs'] },
        traces: { exporters: ['file/traces', ...(tracesPort === undefined ? [] : ['otlp_grpc/traces'])] },
      },
    },
  };
}

/** How Jaeger is started. Ports left out are free ones. */
export interface JaegerOptions {
  /** Query API, HTTP. */
  readonly queryPort?: number;
  /** OTLP over gRPC. */
  readonly otlpPort?: number;
  /** Folder for its configuration; made when it is not there. */
  readonly outputDir: string;
  /** Its page as built from jaeger-ui; default: what the binary has, which is a placeholder when Go built it from the module. */
  readonly pageFolder?: string;
  /** How its process is run. */
  readonly run?: Pick<BackEndOptions, 'launcher' | 'isApart' | 'signal' | 'readyWithinMs'>;
  /** By how much it may move spans (`max_clock_skew_adjust`), such as `1h`; default: Jaeger's own, not at all. */
  readonly maxClockSkew?: string;
}

/** The real Jaeger, all in one process, spans in memory. */
export interface Jaeger extends RunningBackEnd {
  readonly queryPort: number;
  readonly otlpPort: number;
  /** GET of a path of the query API, e.g. `/api/traces/<id>`: the `data` of the answer. Rejects on an error. */
  readonly query: (path: string) => Promise<unknown>;
}

/** Starts the real Jaeger and waits until it takes spans and answers questions. */
export async function startJaeger(options: JaegerOptions): Promise<Jaeger> {
  const [queryPort, otlpPort] = await choosePorts([options.queryPort, options.otlpPort]);
  const [queryGrpcPort] = await choosePorts([undefined]);
  mkdirSync(options.outputDir, { recursive: true });
  const config = join(options.outputDir, 'jaeger.json');
  writeFileSync(
    config,
    JSON.stringify(jaegerConfig({ queryPort, queryGrpcPort, otlpPort }, options), undefined, 2),
  );
  const query = async (path: string): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${queryPort}${path}`);
    if (!answer.ok) throw new Error(`Jaeger answered ${answer.status} to ${path}: ${await answer.text()}`);
    return ((await answer.json()) as { data: unknown }).data;
  };
  const running = await startBackEnd({
    ...options.run,
    name: 'Jaeger',
    command: await backEndPath('jaeger'),
    args: [`--config=file:${config}`],
    isReady: async () => (await isListening(otlpPort)) && (await query('/api/services')) !== undefined,
  });
  return { ...running, queryPort, otlpPort, query };
}

function jaegerConfig(
  ports: { queryPort: number; queryGrpcPort: number; otlpPort: number },
  { maxClockSkew, pageFolder }: JaegerOptions,
): object {
  const at = (port: number): { endpoint: string } => ({ endpoint: `127.0.0.1:${port}` });
  return {
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
      telemetry: { metrics: { level: 'none' } },
    },
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 100_000 } } } },
      jaeger_query: {
        storage: { traces: 'memory' },
        // Its own spans would go to 127.0.0.1:4317 and be traffic that no test asked for.
        enable_tracing: false,
        ...(maxClockSkew === undefined ? {} : { max_clock_skew_adjust: maxClockSkew }),
        ...(pageFolder === undefined ? {} : { ui: { assets_path: pageFolder } }),
        http: at(ports.queryPort),
        grpc: at(ports.queryGrpcPort),
      },
    },
    receivers: { otlp: { protocols: { grpc: at(ports.otlpPort) } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
  };
}

/**
 * Reads a file of the collector: one export request (OTLP in JSON) a line. A last line that is not whole
 * yet is left out; a file that is not there yet is empty.
 */
export function readOtlpJsonLines<Request>(path: string): Request[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Request);
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** The given ports, and free ones in place of those that are not given. */
async function choosePorts<const Wanted extends readonly (number | undefined)[]>(
  wanted: Wanted,
): Promise<{ [Index in keyof Wanted]: number }> {
  const free = await findFreePorts(wanted.length);
  return wanted.map((port, index) => port ?? free[index]) as { [Index in keyof Wanted]: number };
}
