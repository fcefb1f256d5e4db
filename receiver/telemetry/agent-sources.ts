import type { SignalCounters } from '../export/counters.ts';
import type { OperationLog } from '../export/timed-delivery.ts';
import type { Signal } from '../export/options.ts';
import type { Tap } from '../tap/tap.ts';

/** Running total of records that were lost or discarded; never decreases. */
export interface LossTotal {
  /** `error.type`, such as `ring_buffer_full`. */
  readonly reason: string;
  readonly probe?: string;
  readonly count: number;
}

/** `wirespan.agent.probe.state`. */
export type ProbeState = 'attached' | 'failed' | 'disabled' | 'unsupported';

/** What the exporters tell about themselves; `Exporters` has it. */
export interface ExportSource {
  counters(): Readonly<Record<Signal, SignalCounters>>;
  queues(): Readonly<Record<'traces' | 'logs', { readonly size: number; readonly capacity: number }>>;
  /** Scheme, host and port of each signal's collector; `undefined` for a disabled signal. */
  origins(): Readonly<Record<Signal, string | undefined>>;
  readonly operations: OperationLog;
}

/**
 * Where the agent's own stats come from: asked once a collection. Totals are since the start.
 * What is absent is not exported; several entries with the same names are summed.
 */
export interface AgentSources {
  /** Records read from the kernel. */
  readonly eventsReceived?: () => Iterable<{ readonly probe?: string; readonly count: number }>;
  /** Losses before the exporters; spans and events lost by the exporters are added from `exporters`. */
  readonly eventsLost?: () => Iterable<LossTotal>;
  /** User-space queue, records. */
  readonly eventQueue?: () => { readonly size: number; readonly capacity: number };
  /** Bytes. */
  readonly ringBuffer?: () => { readonly usage: number; readonly limit: number };
  /** Entries. */
  readonly maps?: () => Iterable<{ readonly name: string; readonly usage: number; readonly limit: number }>;
  readonly probes?: () => Iterable<{ readonly name: string; readonly state: ProbeState }>;
  /** Kernel's `bpf_stats`: runs and CPU seconds. */
  readonly probeRuns?: () => Iterable<{
    readonly name: string;
    readonly runs: number;
    readonly seconds: number;
  }>;
  readonly correlationLookups?: () => Iterable<{
    readonly result: string;
    readonly method?: string;
    readonly count: number;
  }>;
  readonly connectionCount?: () => number;
  readonly workloadCount?: () => number;
  /** Series of the metric store. */
  readonly series?: () => { readonly count: number; readonly limit: number };
  /** What the standard streams did not take: lines of the log, frames of the live view. */
  readonly outputDropped?: () => Iterable<{ readonly stream: 'stdout' | 'stderr'; readonly count: number }>;
  readonly exporters?: ExportSource;
  /** Views that read from the agent. */
  readonly views?: () => { readonly readers: number; readonly cutOff: number; readonly refused: number };
  readonly tap?: Pick<Tap, 'counters' | 'held' | 'refusedConnections'>;
}
