/** What the tests of the agent's standard streams share: a collector, connections, and more lines than a stream takes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { readMetricPoints, type MetricPoint } from '../backends/otlp.ts';
import { startCollector, type Collector } from '../backends/run.ts';
import { agentArgs, agentSettings, cleanEnvironment } from '../support/agent.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads } from '../support/workloads.ts';
import { otlpSettings } from './observe.ts';
import { totalOf } from './otlp.ts';
import { connectPair, endPair, move, trafficAs, TrafficProcess, type Pair } from './traffic.ts';

const BYTES = 50_021;
/** Lines of 2 KB that are more than a stream holds, together with what the agent keeps for its reader. */
const MORE_LINES = 307;
/** The agent says what is wrong with these settings in one line, which is long by the file's name. */
const BAD_SETTINGS = [
  'bpf.max_owners',
  'bpf.max_series',
  'bpf.max_sockets',
  'events.rate_limit',
  'spans.rate_limit',
  'spans.max_per_parent',
]
  .map((key) => `${key}: ${'x'.repeat(100)}\n`)
  .join('');
const LONG_NAME = `${'x'.repeat(200)}.yaml`;

/** An agent whose standard streams are the test's. */
export interface Run {
  readonly pid: number;
  /** Negative: ended by a signal. Undefined while it runs. */
  readonly status: () => number | undefined;
}

/** The command line that runs the agent. */
export function agentCommand(output: 'none' | 'json' | 'table'): string[] {
  return [process.execPath, ...agentArgs('run', `--output=${output}`)];
}

export class OutputRig {
  readonly #collector: Collector;
  readonly #settingsFile: string;
  readonly #client: TrafficProcess;
  readonly #server: TrafficProcess;

  private constructor(cleanup: Cleanup, collector: Collector) {
    this.#collector = collector;
    this.#settingsFile = join(cleanup.makeFolder(), LONG_NAME);
    this.#client = new TrafficProcess(trafficAs(cleanup, 'output-client'));
    this.#server = new TrafficProcess(trafficAs(cleanup, 'output-server'));
    cleanup.add(() => Promise.all([this.#client.stop(), this.#server.stop()]));
  }

  static async start(cleanup: Cleanup): Promise<OutputRig> {
    await buildWorkloads();
    const collector = await startCollector({
      outputDir: join(cleanup.makeFolder(), 'collector'),
      batchTimeout: '100ms',
    });
    cleanup.add(() => collector.stop());
    return new OutputRig(cleanup, collector);
  }

  /** Environment of the next agent. */
  settings(): Record<string, string> {
    writeFileSync(this.#settingsFile, '{}\n');
    return agentSettings({
      ...otlpSettings(this.#collector),
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      WIRESPAN_CONFIG: this.#settingsFile,
    });
  }

  /**
   * Bash runs `script`, which becomes the agent by `exec "$@"`; `$0` is `path`. Standard input and output are
   * /dev/null, standard error is a socket that nobody reads. It goes with `cleanup`.
   */
  start(cleanup: Cleanup, output: 'none' | 'json', script: string, path = 'bash'): Run {
    const child = spawn('bash', ['-c', script, path, ...agentCommand(output)], {
      env: cleanEnvironment(this.settings()),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let status: number | undefined;
    child.once('exit', (code) => {
      status = code ?? -1;
      child.stderr.destroy();
    });
    cleanup.add(() => child.kill('SIGKILL'));
    return { pid: child.pid ?? 0, status: () => status };
  }

  /** What an agent has exported of what its stream did not take. */
  dropped({ pid }: Run, stream: 'stdout' | 'stderr'): number {
    const where = { pids: new Set([pid]), attributes: { 'log.iostream': stream } };
    return totalOf(this.#metrics(), 'wirespan.agent.output.dropped', where);
  }

  /** From then on what connections do is counted. */
  async whenExporting(run: Run): Promise<void> {
    const isThere = (): boolean =>
      this.#metrics().some(({ resource }) => resource['process.pid'] === run.pid);
    await this.whileRunning(run, 'the first export', isThere);
  }

  /** Waits for something that an agent does; that it ends is a failure. */
  async whileRunning(
    { status }: Run,
    what: string,
    condition: () => boolean | Promise<boolean>,
  ): Promise<void> {
    await waitFor(what, () => status() !== undefined || condition());
    assert.equal(status(), undefined, 'it runs');
  }

  /** Makes the agent log so many long lines. Each signal is delivered before the next, so that none are merged. */
  async complain({ pid, status }: Run, lines: number): Promise<void> {
    writeFileSync(this.#settingsFile, BAD_SETTINGS);
    for (let i = 0; i < lines && status() === undefined; i += 1) {
      process.kill(pid, 'SIGHUP');
      while (status() === undefined && isHangupPending(pid)) await sleep(1);
    }
  }

  /** Exports go on while a stream takes nothing, and SIGTERM ends the agent then: status 0, every sum exact. */
  async holds(run: Run, isStuck: () => boolean): Promise<void> {
    await this.whenExporting(run);
    const first = await this.#open();
    await this.complain(run, MORE_LINES);
    await move(first.client, first.server, BYTES);
    await endPair(first);
    await this.#whenExact(run, first, 2 * BYTES);
    await this.whileRunning(run, 'the stream to be stuck', async () => {
      if (isStuck()) return true;
      await this.complain(run, 20);
      return false;
    });
    const last = await this.#open();
    await endPair(last);
    process.kill(run.pid, 'SIGTERM');
    await waitFor('the agent to end', () => run.status() !== undefined, 40_000);
    assert.equal(run.status(), 0);
    await this.#whenExact(undefined, last, BYTES);
  }

  async #open(): Promise<Pair> {
    const pair = await connectPair(this.#client, this.#server, '127.0.0.1');
    await move(pair.client, pair.server, BYTES);
    return pair;
  }

  /** What the connection did, and nothing else, was exported; `run`: by an agent that goes on. */
  async #whenExact(run: Run | undefined, pair: Pair, bytes: number): Promise<void> {
    const expected = { opened: [1, 1], closed: [1, 1], io: [bytes, bytes] };
    const sums = (): typeof expected => this.#sums(pair);
    const isExact = (): boolean => run?.status() !== undefined || isDeepStrictEqual(sums(), expected);
    const late = await waitFor('the exports', isExact).catch((error: unknown) => error);
    assert.equal(run?.status(), undefined, 'it runs');
    assert.deepEqual(sums(), expected, late instanceof Error ? late.message : undefined);
  }

  #metrics(): MetricPoint[] {
    return readMetricPoints(this.#collector.metricsFile);
  }

  /** Each as the client and as the server had it. */
  #sums({ port }: Pair): Record<'opened' | 'closed' | 'io', number[]> {
    const metrics = this.#metrics();
    const of = (name: string): number[] =>
      [this.#client, this.#server].map(({ pid }) => {
        const where = { pids: new Set([pid]), attributes: { 'server.port': port } };
        return totalOf(metrics, `wirespan.tcp.${name}`, where);
      });
    return { opened: of('connection.opened'), closed: of('connection.closed'), io: of('io') };
  }
}

/** Whether SIGHUP waits to be delivered to a process. */
function isHangupPending(pid: number): boolean {
  const pending = /^ShdPnd:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return (BigInt(`0x${pending ?? '0'}`) & 1n) !== 0n;
}
