/** All that the demo runs: three services, their databases, Jaeger, the collector, wirespan, and a network that can lose. */
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOtherAgents } from '../receiver/host/other-agents.ts';
import { backEndPath } from '../test/backends/build.ts';
import { projectFolder } from '../test/backends/place.ts';
import { startBackEnd, type RunningBackEnd } from '../test/backends/process.ts';
import { startJaeger, type Jaeger } from '../test/backends/run.ts';
import { makeCertificates } from '../test/support/certificates.ts';
import { cgroupMounts, makeCgroup } from '../test/support/cgroups.ts';
import type { Cleanup } from '../test/support/cleanup.ts';
import { Dropper } from '../test/support/dropper.ts';
import { removeLeftovers } from '../test/support/leftovers.ts';
import { startPostgres, startRedis, type DatabaseOptions } from './databases.ts';
import { own } from './own.ts';
import { portNear } from './ports.ts';
import { startServices, type Ports } from './services.ts';

/** What is on the stage. */
export interface Stage {
  readonly jaeger: Jaeger;
  readonly wirespan: RunningBackEnd;
  /** Segments on their way to the services behind the gateway and to the databases are lost by it. */
  readonly network: Dropper;
  readonly ports: Ports;
}

/** Ports that the demo takes when they are free; else it takes others. */
const WANTED: Ports = {
  gateway: 18_080,
  orders: 15_051,
  stock: 18_081,
  postgres: 15_432,
  redis: 16_379,
  jaeger: 16_686,
  jaegerOtlp: 14_317,
  collectorGrpc: 14_327,
  collectorHttp: 14_328,
  collectorPrometheus: 19_464,
};

/** Its folders are called so, then by its pid. */
const FOLDER = 'wirespan-demo-';

export interface StageOptions {
  readonly signal: AbortSignal;
  /** Told of each thing that runs. */
  readonly say: (line: string) => void;
  /** Jaeger's page as built from jaeger-ui. */
  readonly pageFolder: string | undefined;
}

/** Starts everything; what was started ends with `cleanup`, also when something failed. */
export async function setStage(cleanup: Cleanup, options: StageOptions): Promise<Stage> {
  const mount = cgroupMounts().v2;
  if (mount === undefined)
    throw new Error('no cgroup v2 is mounted: the demo loses segments of a control group of its own');
  const [other] = findOtherAgents('/proc', process.pid);
  if (other !== undefined)
    throw new Error(
      `wirespan runs on this host already (process ${other}), and what applications announce is heard by one of two: end it first`,
    );
  removeLeftovers(mount);
  removeFolders();
  const folder = cleanup.makeFolder(`${FOLDER}${process.pid}-`);
  // `nobody` goes through to the folders of its own.
  chmodSync(folder, 0o711);
  const ports = await choosePorts();
  const start = new Starter(cleanup, folder, ports, options);
  const cgroup = makeCgroup(cleanup, mount, `wirespan-${process.pid}`);
  const [backEnds, urls] = await bothOf(start.backEnds(), start.databases(cgroup));
  const network = Dropper.attachTo(cgroup);
  cleanup.add(() => network.close());
  await startServices(cleanup, {
    ...options,
    ...urls,
    ports,
    cgroup,
    certificates: makeCertificates(folder),
  });
  return { ...backEnds, network, ports };
}

/** Takes away the folders of demos that were killed. */
function removeFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(FOLDER) ? name.slice(FOLDER.length).split('-')[0] : undefined;
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(tmpdir(), name), { recursive: true });
  }
}

async function choosePorts(): Promise<Ports> {
  const names = Object.keys(WANTED) as (keyof Ports)[];
  const chosen = await Promise.all(names.map(async (name) => [name, await portNear(WANTED[name])] as const));
  return Object.fromEntries(chosen) as unknown as Ports;
}

/** Both are waited for, also when one fails: what the other started by then is known to the clean-up. */
async function bothOf<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return Promise.all([a, b]);
}

class Starter {
  readonly #cleanup: Cleanup;
  readonly #folder: string;
  readonly #ports: Ports;
  readonly #options: StageOptions;

  constructor(cleanup: Cleanup, folder: string, ports: Ports, options: StageOptions) {
    this.#cleanup = cleanup;
    this.#folder = folder;
    this.#ports = ports;
    this.#options = options;
  }

  async databases(cgroup: string): Promise<{ readonly databaseUrl: string; readonly redisUrl: string }> {
    const { postgres, redis } = this.#ports;
    const at = (name: string, port: number): DatabaseOptions => ({
      port,
      cgroup,
      folder: join(this.#folder, name),
      signal: this.#options.signal,
    });
    const [{ url: databaseUrl }, { url: redisUrl }] = await bothOf(
      this.#kept('PostgreSQL', postgres, startPostgres(at('postgres', postgres))),
      this.#kept('Redis', redis, startRedis(at('redis', redis))),
    );
    return { databaseUrl, redisUrl };
  }

  /** Where spans go to is there before whoever sends them, and ends after. */
  async backEnds(): Promise<Pick<Stage, 'jaeger' | 'wirespan'>> {
    const { jaeger: queryPort, jaegerOtlp: otlpPort, collectorGrpc } = this.#ports;
    const { signal, pageFolder } = this.#options;
    const outputDir = join(this.#folder, 'jaeger');
    const page = pageFolder === undefined ? {} : { pageFolder };
    const run = { ...own(), signal };
    const jaeger = await this.#kept(
      'Jaeger',
      queryPort,
      startJaeger({ queryPort, otlpPort, outputDir, run, ...page }),
    );
    await this.#kept('OpenTelemetry Collector', collectorGrpc, this.#collector());
    const wirespan = await this.#kept('wirespan', undefined, this.#agent());
    return { jaeger, wirespan };
  }

  /** With the file that is shipped, as it is. */
  async #collector(): Promise<RunningBackEnd> {
    const { collectorGrpc, collectorHttp, collectorPrometheus, jaegerOtlp } = this.#ports;
    return startBackEnd({
      ...own(),
      name: 'the OpenTelemetry Collector',
      command: await backEndPath('otelcol'),
      args: [`--config=file:${join(projectFolder, 'otel-collector.yaml')}`],
      env: {
        WIRESPAN_COLLECTOR_GRPC: `127.0.0.1:${collectorGrpc}`,
        WIRESPAN_COLLECTOR_HTTP: `127.0.0.1:${collectorHttp}`,
        WIRESPAN_COLLECTOR_PROMETHEUS: `127.0.0.1:${collectorPrometheus}`,
        WIRESPAN_COLLECTOR_TRACES: `127.0.0.1:${jaegerOtlp}`,
      },
      signal: this.#options.signal,
      isReady: (log) => log.includes('Everything is ready'),
    });
  }

  #agent(): Promise<RunningBackEnd> {
    return startBackEnd({
      ...own(),
      name: 'wirespan',
      command: join(projectFolder, 'bin', 'wirespan'),
      args: ['run', '--output=none'],
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#ports.collectorGrpc}`,
        // A demo is not to be waited for.
        OTEL_BSP_SCHEDULE_DELAY: '500',
        // What the time of a request was spent on.
        WIRESPAN_SPANS_EXCHANGE_PHASES: 'on',
      },
      signal: this.#options.signal,
      isReady: (log) => log.includes('"msg":"ready"'),
    });
  }

  async #kept<T extends RunningBackEnd>(
    name: string,
    port: number | undefined,
    start: Promise<T>,
  ): Promise<T> {
    const running = await start;
    this.#cleanup.add(() => running.stop());
    this.#options.say(`  ${name.padEnd(24)} ${port === undefined ? '' : `127.0.0.1:${port}`}`.trimEnd());
    return running;
  }
}
