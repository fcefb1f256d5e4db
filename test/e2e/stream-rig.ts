/** What tests of the agent's standard streams have in common: a collector, traffic, and the order of events. */
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { startCollector, type Collector } from '../backends/run.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { otlpSettings, readOutput } from './observe.ts';
import { totalOf } from './otlp.ts';
import { endOf, ReloadLines, type Streamed } from './streamed-agent.ts';
import { StreamedTraffic } from './streamed-traffic.ts';
import { trafficAs, TrafficProcess } from './traffic.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads } from '../support/workloads.ts';

/** One way in which a stream fails. */
export interface StreamFault {
  /** The agent itself. */
  readonly agent: Streamed;
  /** From when it returns, nobody takes what the agent writes. */
  readonly begin: () => Promise<void> | void;
  /** The stream is as it was; default: it stays as it is. */
  readonly heal?: () => Promise<void> | void;
  /** Tells the agent to end; default: SIGTERM. */
  readonly stop?: () => void;
}

export class StreamRig {
  readonly lines: ReloadLines;
  readonly #collector: Collector;
  readonly #client: TrafficProcess;
  readonly #server: TrafficProcess;

  private constructor(cleanup: Cleanup, collector: Collector) {
    this.#collector = collector;
    this.lines = new ReloadLines(cleanup);
    this.#client = new TrafficProcess(trafficAs(cleanup, 'streams-client'));
    this.#server = new TrafficProcess(trafficAs(cleanup, 'streams-server'));
    cleanup.add(() => Promise.all([this.#client.stop(), this.#server.stop()]));
  }

  static async start(cleanup: Cleanup): Promise<StreamRig> {
    await buildWorkloads();
    const collector = await startCollector({ outputDir: join(cleanup.makeFolder(), 'collector') });
    cleanup.add(() => collector.stop());
    return new StreamRig(cleanup, collector);
  }

  /** Environment of an agent. */
  settings(): Record<string, string> {
    this.lines.allow();
    this.lines.sent = 0;
    return { ...otlpSettings(this.#collector), WIRESPAN_CONFIG: this.lines.file };
  }

  /** What an agent has exported of what a stream of its did not take. */
  dropped(agent: Streamed, stream: 'stdout' | 'stderr'): number {
    return totalOf(readOutput(this.#collector).metrics, 'wirespan.agent.output.dropped', {
      pids: new Set([agent.pid]),
      attributes: { 'log.iostream': stream },
    });
  }

  async whenExporting({ pid, status }: Streamed): Promise<void> {
    const isThere = (): boolean =>
      readOutput(this.#collector).metrics.some(({ resource }) => resource['process.pid'] === pid);
    await waitFor('the first export', () => status() !== undefined || isThere());
    assert.equal(status(), undefined, 'it runs');
  }

  /** The agent exports while the stream fails, ends in order, and every sum is exact. */
  async endures({ agent, begin, heal, stop }: StreamFault): Promise<void> {
    await this.whenExporting(agent);
    const traffic = new StreamedTraffic(this.#client, this.#server);
    await traffic.begin();
    await begin();
    await traffic.finish();
    const sums = () => traffic.sums(readOutput(this.#collector));
    if (stop === undefined) {
      const isExported = (): boolean => isDeepStrictEqual(sums(), traffic.expected());
      await waitFor(`exports to go on`, () => agent.status() !== undefined || isExported()).catch(
        (error: unknown) => assert.fail(`${String(error)}: ${JSON.stringify(sums())}`),
      );
    }
    await heal?.();
    if (stop !== undefined) stop();
    else if (agent.status() === undefined) process.kill(agent.pid, 'SIGTERM');
    assert.equal(await endOf(agent), 0, 'status of the agent');
    await waitFor(
      'what was sent to be written',
      () => sums().closed.every((count) => count > 0),
      5_000,
    ).catch(() => undefined);
    assert.deepEqual(sums(), traffic.expected());
  }
}
