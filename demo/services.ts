/** The three services, each with the stock SDK of OpenTelemetry and wirespan's hook for Node. */
import { join } from 'node:path';
import { projectFolder } from '../test/backends/place.ts';
import { startBackEnd } from '../test/backends/process.ts';
import type { Cleanup } from '../test/support/cleanup.ts';
import { own } from './own.ts';

/** Ports of 127.0.0.1. */
export interface Ports {
  readonly gateway: number;
  readonly orders: number;
  readonly stock: number;
  readonly postgres: number;
  readonly redis: number;
  /** Jaeger's page and query API. */
  readonly jaeger: number;
  readonly jaegerOtlp: number;
  readonly collectorGrpc: number;
  readonly collectorHttp: number;
  readonly collectorPrometheus: number;
}

export interface ServicesOptions {
  readonly ports: Ports;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly certificates: { readonly ca: string; readonly cert: string; readonly key: string };
  /** The control group of the services behind the gateway: segments to them can be lost. */
  readonly cgroup: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const folder = join(projectFolder, 'demo', 'services');

/** The services behind it, then the gateway, which connects to orders before it is ready. */
export async function startServices(cleanup: Cleanup, options: ServicesOptions): Promise<void> {
  const { ports, certificates, cgroup, say } = options;
  const orders = `127.0.0.1:${ports.orders}`;
  const { ca, cert, key } = certificates;
  await startService(cleanup, options, 'orders', {
    cgroup,
    env: {
      LISTEN: orders,
      TLS_CERT: cert,
      TLS_KEY: key,
      DATABASE_URL: options.databaseUrl,
      REDIS_URL: options.redisUrl,
    },
  });
  say(`  orders (gRPC, TLS)       ${orders}`);
  const stock = `127.0.0.1:${ports.stock}`;
  await startService(cleanup, options, 'stock', { cgroup, env: { PORT: String(ports.stock) } });
  say(`  stock (HTTP)             ${stock}`);
  await startService(cleanup, options, 'gateway', {
    env: { PORT: String(ports.gateway), ORDERS: orders, STOCK: stock, TLS_CA: ca },
  });
  say(`  gateway (HTTP)           127.0.0.1:${ports.gateway}`);
}

/** As a user would: `node --import wirespan/hook --import ./telemetry.ts gateway.ts`, and the variables of OpenTelemetry. */
async function startService(
  cleanup: Cleanup,
  { ports, signal }: ServicesOptions,
  name: string,
  { cgroup, env }: { readonly cgroup?: string; readonly env: Readonly<Record<string, string>> },
): Promise<void> {
  const imports = ['--import', 'wirespan/hook', '--import', join(folder, 'telemetry.ts')];
  const running = await startBackEnd({
    ...own(cgroup === undefined ? {} : { cgroup }),
    name: `the service ${name}`,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', ...imports, join(folder, `${name}.ts`)],
    env: {
      OTEL_SERVICE_NAME: name,
      // Jaeger's word for one host. Node's SDK begins spans on whole milliseconds, so one can end after its parent, and Jaeger
      // would take that for another host's clock.
      OTEL_RESOURCE_ATTRIBUTES: 'ip=127.0.0.1',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${ports.collectorHttp}`,
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_BSP_SCHEDULE_DELAY: '200',
      ...env,
    },
    cwd: projectFolder,
    signal,
    isReady: (log) => log.includes('listening'),
  });
  cleanup.add(() => running.stop());
}
