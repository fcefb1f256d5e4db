/** Two gateways and the collectors of two nodes before them, each with its file of deploy/gateway, and what came out. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backEndPath } from '../backends/build.ts';
import { projectFolder } from '../backends/place.ts';
import { findFreePorts, startBackEnd, type RunningBackEnd } from '../backends/process.ts';
import type { Cleanup } from './cleanup.ts';
import { waitFor } from './wait.ts';

const FOLDER = join(projectFolder, 'deploy', 'gateway');
export const ADDRESSES = ['127.0.0.11', '127.0.0.12'] as const;
export type Address = (typeof ADDRESSES)[number];
export type Signal = 'traces' | 'metrics' | 'logs';
/** Longer than it takes to send all that the test sends at once. */
const DECISION_S = 6;

/** A collector whose own figures can be read. */
export interface Measured extends RunningBackEnd {
  /** Sum of all series of this name, 0 when there is none. */
  readonly figure: (name: string) => Promise<number>;
}

export class Gateways {
  readonly folder: string;
  readonly #cleanup: Cleanup;
  readonly #hosts: string;
  #port = 0;

  constructor(cleanup: Cleanup) {
    this.#cleanup = cleanup;
    this.folder = cleanup.makeFolder();
    this.#hosts = join(this.folder, 'hosts');
  }

  /** What the name of the gateways stands for from now on, as with a headless service. */
  setAddresses(addresses: readonly Address[]): void {
    const lines = ['127.0.0.1 localhost', ...addresses.map((each) => `${each} gateways.example`), ''];
    writeFileSync(this.#hosts, lines.join('\n'));
  }

  /** The file that a gateway writes in the place of a back end: a JSON export request a line. */
  file(address: Address, signal: Signal): string {
    return join(this.folder, `${signal}-${address}.jsonl`);
  }

  async startGateway(address: Address): Promise<Measured> {
    if (this.#port === 0) [this.#port = 0] = await findFreePorts(1);
    const outputs = join(this.folder, `outputs-${address}.json`);
    const to = (signal: Signal): object => ({
      path: this.file(address, signal),
      append: true,
      flush_interval: '100ms',
    });
    const pipelines = { traces: ['file/traces'], metrics: ['file/metrics'], logs: ['file/logs'] };
    writeFileSync(
      outputs,
      JSON.stringify({
        exporters: { 'file/traces': to('traces'), 'file/metrics': to('metrics'), 'file/logs': to('logs') },
        service: {
          pipelines: Object.fromEntries(
            Object.entries(pipelines).map(([signal, exporters]) => [signal, { exporters }]),
          ),
        },
      }),
    );
    return this.#start('otelcol', ['gateway.yaml', outputs], {
      WIRESPAN_GATEWAY_GRPC: `${address}:${this.#port}`,
      WIRESPAN_GATEWAY_DECISION_WAIT: `${DECISION_S}s`,
      WIRESPAN_GATEWAY_REST_PERCENT: '0',
    });
  }

  /** `url`: where a node's agents and applications send to, OTLP over HTTP. */
  async startNode(): Promise<Measured & { readonly url: string }> {
    const [grpc = 0, http = 0] = await findFreePorts(2);
    const launcher = [
      'unshare',
      '--mount',
      'sh',
      '-c',
      'mount --bind "$0" /etc/hosts && exec "$@"',
      this.#hosts,
    ];
    const node = await this.#start(
      'otelcol-balancing',
      ['node.yaml'],
      {
        WIRESPAN_GATEWAYS: 'gateways.example',
        WIRESPAN_GATEWAYS_PORT: String(this.#port),
        WIRESPAN_COLLECTOR_GRPC: `127.0.0.1:${grpc}`,
        WIRESPAN_COLLECTOR_HTTP: `127.0.0.1:${http}`,
      },
      launcher,
    );
    await waitFor('the addresses', async () => (await node.figure('otelcol_loadbalancer_num_backends')) > 0);
    return { ...node, url: `http://127.0.0.1:${http}` };
  }

  async #start(
    name: 'otelcol' | 'otelcol-balancing',
    [file = '', ...more]: readonly string[],
    env: Readonly<Record<string, string>>,
    launcher: readonly string[] = [],
  ): Promise<Measured> {
    const [port = 0] = await findFreePorts(1);
    const read = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const running = await startBackEnd({
      name,
      command: await backEndPath(name),
      args: [join(FOLDER, file), ...more].map((each) => `--config=file:${each}`),
      env: { ...env, WIRESPAN_COLLECTOR_METRICS_PORT: String(port) },
      launcher,
      isReady: async (log) => (await read()) !== '' && log.includes('Everything is ready'),
    });
    this.#cleanup.add(() => running.kill());
    return { ...running, figure: async (metric) => total(await read(), metric) };
  }
}

/** Text format of Prometheus; a counter's name may end in `_total` or not. */
function total(text: string, metric: string): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line) ?? [];
    if (name === metric || name === `${metric}_total`) sum += Number(value);
  }
  return sum;
}
