import { configOf, readCheckedSettings, type AppConfig } from '../../config/index.ts';
import { readTextFile } from '../../text/index.ts';
import { createLog } from '../cli/log.ts';
import type { Outputs } from '../cli/outputs.ts';
import { createExporters, type Exporters } from '../export/exporters.ts';
import type { RecordingReader } from '../recording/file-reader.ts';
import type { Player } from '../recording/player.ts';
import { exportListeners } from './export-log.ts';
import { PipelineReplay } from './pipeline-replay.ts';
import { replayedSettings } from './recorded-settings.ts';
import type { Pace } from './replay-pace.ts';

/** Not all of it left. */
const EXIT_FAILED = 1;
/** Places in each queue: what is told in one step waits there together. */
const QUEUE_PLACES = 1 << 17;

/** A reading that is this much too early for an export is taken for it: the next one would be too late. */
const LATE_MS = 500;

export interface ReplayedExport {
  readonly argv: readonly string[];
  readonly reader: RecordingReader;
  readonly player: Player;
  readonly pace: Pace;
}

/**
 * Sends what the agent would have sent with these settings; the exit status.
 * @throws ConfigError
 */
export async function replayExport(replayed: ReplayedExport, outputs: Outputs): Promise<number> {
  const { argv, reader } = replayed;
  const sources = { argv, env: process.env, readFile: readTextFile };
  const settings = configOf(readCheckedSettings(sources), false);
  const config = replayedSettings(settings, reader.meta.subnets);
  const log = createLog({
    level: config.logLevel,
    isTerminal: outputs.isTerminal.stderr,
    hasColour: false,
    stream: outputs.stderr,
  });
  const { traces, logs } = config.queues;
  const exporters = createExporters(
    {
      ...config,
      queues: {
        traces: { ...traces, queueSize: QUEUE_PLACES },
        logs: { ...logs, queueSize: QUEUE_PLACES },
      },
    },
    exportListeners(log, () => exporters.origins()),
  );
  const replay = new ExportReplay(replayed, config, exporters);
  await replay.run();
  await exporters.shutdown(config.shutdownDeadlineMs, (untilMs) => replay.last(untilMs));
  const counters = exporters.counters();
  const counts = Object.entries(counters).map(([signal, { exported }]) => `${signal} ${String(exported)}`);
  const dropped = Object.values(counters).reduce(
    (sum, counter) => sum + Object.values(counter.dropped).reduce((all, count) => all + count, 0),
    0,
  );
  outputs.stderr.write(`wirespan replay: sent ${counts.join(', ')}; not sent ${String(dropped)}\n`);
  return dropped === 0 ? 0 : EXIT_FAILED;
}

class ExportReplay {
  readonly #parts: ReplayedExport;
  readonly #config: AppConfig;
  readonly #exporters: Exporters;
  readonly #replay: PipelineReplay;
  #collectedNs: bigint;

  constructor(parts: ReplayedExport, config: AppConfig, exporters: Exporters) {
    this.#parts = parts;
    this.#config = config;
    this.#exporters = exporters;
    this.#replay = new PipelineReplay(parts, config, {
      event: (event) => void exporters.addEvent(event),
      span: (span) => void exporters.addSpan(span),
    });
    this.#collectedNs = parts.player.nowNs;
  }

  async run(): Promise<void> {
    await this.#replay.run({
      collected: (isLast) => this.#collected(isLast),
      stepped: () => this.#makeRoom(),
    });
  }

  /** As often as the settings say, where the sums were read that often. */
  async #collected(isLast: boolean): Promise<void> {
    const { nowNs } = this.#parts.player;
    const { intervalMs } = this.#config.metricExport;
    const isDue = Number(nowNs - this.#collectedNs) / 1e6 >= intervalMs - Math.min(intervalMs / 2, LATE_MS);
    if (isLast || !isDue) return;
    this.#collectedNs = nowNs;
    const { metrics } = this.#exporters;
    const { clock, exemplars } = this.#replay.pipeline;
    const collected = await exemplars.metrics.collect(clock.toUnixNs(clock.now()));
    const failed = await metrics?.export(collected, performance.now() + this.#config.metricExport.timeoutMs);
    if (failed !== undefined) exemplars.metrics.restore(failed);
  }

  /** Sums of the last interval, also where the recording was cut off. */
  async last(untilMs: number): Promise<void> {
    const { clock, exemplars } = this.#replay.pipeline;
    const collected = await exemplars.metrics.collect(clock.toUnixNs(clock.now()));
    await this.#exporters.metrics?.exportLast(collected, untilMs);
  }

  /** Nothing is to find no place. */
  async #makeRoom(): Promise<void> {
    const { traces, logs } = this.#exporters.queues();
    if (Math.max(traces.size, logs.size) > QUEUE_PLACES / 4) await this.#exporters.forceFlush();
  }
}
