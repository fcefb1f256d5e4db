import type { AppConfig } from '../../config/index.ts';
import { enableBpfStats } from '../../native/index.ts';
import { METRIC_AGENT_PROBE_RUN_TIME, METRIC_AGENT_PROBE_RUNS } from '../../semconv/index.ts';
import { LOSS_REASON, PROBE_ID } from '../decode/generated/layout.ts';
import type { Exporters } from '../export/exporters.ts';
import type { Pipeline } from './pipeline.ts';
import { probeStates } from './probe-states.ts';
import type { KernelSource } from '../source/kernel-source.ts';
import { FAMILIES } from '../signals/index.ts';
import type { AgentSources, LossTotal } from '../telemetry/agent-sources.ts';

/** `enum probe_id` to `wirespan.agent.probe.name`. */
const PROBE_NAMES: Readonly<Record<number, string>> = Object.assign(
  { [PROBE_ID.PROBE_SCAN]: 'iterator', [PROBE_ID.PROBE_OWNER]: 'owner' },
  ...FAMILIES.map(({ probeNames }) => probeNames),
) as Record<number, string>;

/** `enum loss_reason` to `error.type` of `wirespan.agent.event.lost`. */
const REASON_NAMES: Readonly<Record<number, string>> = {
  [LOSS_REASON.LOST_RING_FULL]: 'ring_buffer_full',
  [LOSS_REASON.LOST_MAP_FULL]: 'map_full',
  [LOSS_REASON.LOST_STORAGE]: 'map_full',
  [LOSS_REASON.LOST_SKIPPED]: 'recursion',
};

/** Names that a program was started with and that were not kept: no event is lost by that either. */
const UNKEPT_NAMES: Readonly<Record<number, string>> = {
  [LOSS_REASON.NAMES_TOO_LONG]: 'names_too_long',
  [LOSS_REASON.NAMES_UNREADABLE]: 'names_unreadable',
  [LOSS_REASON.NAMES_NO_ROOM]: 'names_no_room',
};

/** Samples left out, of which no event is lost. */
const LEFT_OUT_NAMES: Readonly<Record<number, string>> = { [LOSS_REASON.LEFT_OUT]: 'accept_deferred' };

/** `enum loss_reason` to `wirespan.agent.correlation.result`. */
const RESULT_NAMES: Readonly<Record<number, string>> = {
  [LOSS_REASON.HIT_HEADER]: 'hit',
  [LOSS_REASON.MISS_NO_HEADER]: 'miss',
  [LOSS_REASON.MISS_HEAD_TOO_LONG]: 'miss',
  [LOSS_REASON.MISS_UNREADABLE]: 'miss',
  [LOSS_REASON.MISS_BUSY]: 'miss',
  [LOSS_REASON.MISS_MULTIPLEXED]: 'miss',
  [LOSS_REASON.MISS_TORN]: 'invalid',
  [LOSS_REASON.MISS_OPENER]: 'miss',
  [LOSS_REASON.MISS_FRAMING]: 'stale',
  [LOSS_REASON.MISS_FORGOTTEN]: 'stale',
  [LOSS_REASON.MISS_OVERTAKEN]: 'stale',
  [LOSS_REASON.MISS_INVALID]: 'invalid',
  [LOSS_REASON.TAKEN]: 'hit',
  [LOSS_REASON.CONFLICT]: 'conflict',
};

/** `wirespan.correlation.method` by the probe that looks; those of no other are look-ups. */
const METHOD_NAMES: Readonly<Record<string, string>> = {
  [PROBE_NAMES[PROBE_ID.PROBE_REQUEST] ?? '']: 'http1_header',
  [PROBE_NAMES[PROBE_ID.PROBE_HTTP2] ?? '']: 'h2_header',
  [PROBE_NAMES[PROBE_ID.PROBE_HTTP2_ARRIVE] ?? '']: 'h2_stream',
  [PROBE_NAMES[PROBE_ID.PROBE_ARRIVE] ?? '']: 'http1_window',
  [PROBE_NAMES[PROBE_ID.PROBE_ANNOUNCE] ?? '']: 'sdk_hook',
  [PROBE_NAMES[PROBE_ID.PROBE_THREAD] ?? '']: 'thread_ctx',
  [PROBE_NAMES[PROBE_ID.PROBE_NODE] ?? '']: 'node_ctx',
};

/** Probes whose skipped runs are made good. */
const REPAIRED_PROBES: ReadonlySet<string> = new Set(
  FAMILIES.flatMap(({ probes = [] }) => probes).flatMap(({ name, isRepaired }) => (isRepaired ? [name] : [])),
);

/** Maps that tell how full they are. */
const MAPS: readonly string[] = [
  'owners',
  ...FAMILIES.flatMap(({ kernelMaps = [] }) => kernelMaps).flatMap(({ name, isTold }) =>
    isTold ? [name] : [],
  ),
];

interface Cell {
  readonly probe: string | undefined;
  readonly reason: number;
  readonly count: number;
}

function named(probeId: number, count: number): { readonly probe?: string; readonly count: number } {
  const probe = PROBE_NAMES[probeId];
  return { ...(probe !== undefined && { probe }), count };
}

/** The agent's own stats, as of the last `refresh`. */
export class SelfStats {
  readonly #source: KernelSource;
  readonly #pipeline: Pipeline;
  /** Held, since the kernel stops measuring when it is closed. */
  readonly #measuring: ReturnType<typeof enableBpfStats> | undefined;
  #cells: readonly Cell[] = [];
  #recursion: readonly { readonly probe: string; readonly missed: number }[] = [];

  /**
   * When a metric about probe runs is on, the kernel measures every BPF program until this process ends.
   * @throws NativeError when it may not
   */
  constructor(source: KernelSource, pipeline: Pipeline, metrics: AppConfig['metrics']) {
    this.#source = source;
    this.#pipeline = pipeline;
    const wantsRuns = [METRIC_AGENT_PROBE_RUNS, METRIC_AGENT_PROBE_RUN_TIME].some(({ name }) =>
      metrics.get(name),
    );
    this.#measuring = wantsRuns ? enableBpfStats() : undefined;
  }

  /** Reads the kernel's counters once for all that asks below. */
  refresh(): void {
    this.#cells = this.#source
      .losses()
      .map((count, index) => ({
        probe: PROBE_NAMES[Math.floor(index / LOSS_REASON.LOSS_REASONS)],
        reason: index % LOSS_REASON.LOSS_REASONS,
        count,
      }))
      .filter(({ count }) => count > 0);
    this.#recursion = this.#source.recursionMisses();
  }

  /** Everything lost before the exporters. */
  lost(): LossTotal[] {
    const { counters } = this.#pipeline.correlator;
    const rateLimited =
      counters.eventsRateLimited +
      counters.spansRateLimited +
      counters.spansOverParent +
      counters.spansOverTrace;
    const { unknown, folded } = this.#pipeline.enricher.counters;
    const skipped = this.#recursion
      .filter(({ probe }) => !REPAIRED_PROBES.has(probe))
      .map(({ probe, missed }) => ({ reason: 'recursion', probe, count: missed }));
    return [
      ...this.#cellsNamed(REASON_NAMES),
      ...skipped.filter(({ count }) => count > 0),
      { reason: 'decode_error', count: this.#pipeline.decoded.bad },
      { reason: 'rate_limited', count: rateLimited },
      { reason: 'owner_unknown', count: unknown + folded },
    ].filter(({ count }) => count > 0);
  }

  /**
   * Processes that are known by what the kernel noted, without the names that they gave themselves: no event is
   * lost by that, so it is no reason for `wirespan.agent.event.loss`.
   */
  #unnamed(): LossTotal[] {
    const { gone, evictions, environUnreadable, environTruncated, environInvalid, attributesCut, reduced } =
      this.#pipeline.enricher.counters;
    const { contexts, threadsUnheld } = this.#pipeline.enricher.counters;
    const counts = {
      thread_context_schema: contexts?.schemas ?? 0,
      thread_context_unresolved: contexts?.unresolved ?? 0,
      thread_context_map_full: threadsUnheld,
      process_gone: gone,
      owner_evicted: evictions,
      environ_unreadable: environUnreadable,
      environ_truncated: environTruncated,
      environ_invalid: environInvalid,
      attributes_cut: attributesCut,
      attributes_reduced: reduced,
    };
    const probe = PROBE_NAMES[PROBE_ID.PROBE_OWNER];
    return Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => ({ reason, ...(probe !== undefined && { probe }), count }));
  }

  #cellsNamed(names: Readonly<Record<number, string>>): LossTotal[] {
    return this.#cells.flatMap(({ probe, reason, count }) => {
      const name = names[reason];
      return name === undefined ? [] : [{ reason: name, ...(probe !== undefined && { probe }), count }];
    });
  }

  /** Records that the kernel submitted, by probe: what must arrive. */
  sent(): { readonly probe?: string; readonly count: number }[] {
    return this.#cells
      .filter(({ reason }) => reason === LOSS_REASON.SENT)
      .map(({ probe, count }) => ({ ...(probe !== undefined && { probe }), count }));
  }

  sources(exporters: Exporters): AgentSources {
    const { plan } = this.#source;
    const pipeline = this.#pipeline;
    return {
      eventsReceived: () =>
        Object.entries(pipeline.decoded.received ?? []).map(([probe, count]) => named(Number(probe), count)),
      eventsLost: () => [
        ...this.lost(),
        ...this.#unnamed(),
        ...this.#cellsNamed({ ...UNKEPT_NAMES, ...LEFT_OUT_NAMES }),
      ],
      eventQueue: () => {
        const { traces, logs } = exporters.queues();
        return { size: traces.size + logs.size, capacity: traces.capacity + logs.capacity };
      },
      ringBuffer: () => {
        const { used, size } = this.#source.ringBytes;
        return { usage: used, limit: size };
      },
      maps: () => [
        ...MAPS.map((name) => ({
          name,
          usage: this.#source.read(name).count,
          limit: this.#source.limitOf(name),
        })),
        ...this.#connectionTable(),
      ],
      probes: () => probeStates(plan),
      ...(this.#measuring && {
        probeRuns: () => this.#source.programRuns().map(({ probe, ...run }) => ({ name: probe, ...run })),
      }),
      correlationLookups: () => [
        ...this.#cells.flatMap(({ probe = '', reason, count }) => {
          const [result, method] = [RESULT_NAMES[reason], METHOD_NAMES[probe]];
          return result === undefined || method === undefined ? [] : [{ result, method, count }];
        }),
        ...Object.entries(pipeline.join?.counters ?? {}).map(([result, count]) => ({
          result,
          method: 'otlp_server',
          count: count as number,
        })),
        ...Object.entries(pipeline.streams?.counters ?? {}).flatMap(([method, counts]) =>
          Object.entries(counts).map(([result, count]) => ({ result, method, count: count as number })),
        ),
      ],
      connectionCount: () => this.#source.trackedConnections(),
      workloadCount: () => pipeline.enricher.counters.workloads,
      series: () => ({ count: pipeline.store.seriesCount(), limit: pipeline.store.seriesLimit() }),
      exporters,
    };
  }

  /** As of the last pass: it is the one map that is never read whole. */
  #connectionTable(): { name: string; usage: number; limit: number }[] {
    const name = 'connections';
    if (!this.#source.plan.isConnTable) return [];
    return [{ name, usage: this.#source.trackedSockets(), limit: this.#source.limitOf(name) }];
  }
}
