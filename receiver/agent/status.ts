import type { AppConfig } from '../../config/index.ts';
import { readVersion } from '../cli/version.ts';
import type { AttemptJournal, SignalAttempts } from '../export/attempt-journal.ts';
import type { Exporters } from '../export/exporters.ts';
import type { Signal } from '../export/options.ts';
import type { Plan } from '../source/plan.ts';
import type { LossTotal } from '../telemetry/agent-sources.ts';
import { familyFindings } from './doctor-kernel.ts';
import type { Finding } from './doctor-finding.ts';
import { memoryBound, totalOf } from './memory-bound.ts';

const SIGNALS: readonly Signal[] = ['metrics', 'traces', 'logs'];

/** Whether something holds, and why it does not. */
export interface Verdict {
  readonly isSo: boolean;
  /** A sentence without its end. */
  readonly why: string;
}

/** How the exports of a signal go. */
export interface SignalStatus {
  readonly signal: Signal;
  /** Scheme, host and port; absent: it is not sent. */
  readonly endpoint?: string;
  readonly isFailing: boolean;
  /** ISO 8601. */
  readonly lastSuccess?: string;
  readonly lastFailure?: { readonly at: string; readonly cause: string };
  readonly exported: number;
  /** Waiting, or being sent. */
  readonly inFlight: number;
  /** By reason, those that happened. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** What `/status` says and `wirespan status` shows. */
export interface Status {
  readonly version: string;
  readonly pid: number;
  /** ISO 8601. */
  readonly since: string;
  readonly ready: Verdict;
  readonly healthy: Verdict;
  readonly families: readonly Finding[];
  readonly export: readonly SignalStatus[];
  /** Records that were lost before the exporters since the start. */
  readonly lost: readonly LossTotal[];
  readonly memory: {
    /** Resident, of the agent's process. */
    readonly rssBytes: number;
    /** What the settings can come to, in the agent and in the kernel. */
    readonly agentBoundBytes: number;
    readonly kernelBoundBytes: number;
  };
}

/** Where a status comes from. */
export interface StatusSources {
  readonly config: AppConfig;
  readonly plan: Plan;
  readonly exporters: Pick<Exporters, 'counters' | 'origins'>;
  readonly journal: AttemptJournal;
  readonly lost: () => readonly LossTotal[];
}

/** Makes statuses of a running agent. */
export function createStatus({
  config,
  plan,
  exporters,
  journal,
  lost,
}: StatusSources): (ready: Verdict, healthy: Verdict) => Status {
  const { agent, kernel } = memoryBound(config);
  const still = {
    version: readVersion(),
    pid: process.pid,
    since: new Date(performance.timeOrigin).toISOString(),
    families: familyFindings(plan),
  };
  return (ready, healthy) => ({
    ...still,
    ready,
    healthy,
    export: SIGNALS.map((signal) => ({
      signal,
      ...endpointOf(exporters.origins()[signal]),
      ...attemptsOf(journal.of(signal)),
      ...countsOf(exporters.counters()[signal]),
    })),
    lost: lost(),
    memory: {
      rssBytes: process.memoryUsage.rss(),
      agentBoundBytes: Math.round(totalOf(agent)),
      kernelBoundBytes: Math.round(totalOf(kernel)),
    },
  });
}

function endpointOf(endpoint: string | undefined): Pick<SignalStatus, 'endpoint'> {
  return endpoint === undefined ? {} : { endpoint };
}

function attemptsOf({
  isFailing,
  lastSuccessMs,
  lastFailure,
}: SignalAttempts): Pick<SignalStatus, 'isFailing' | 'lastSuccess' | 'lastFailure'> {
  return {
    isFailing,
    ...(lastSuccessMs !== undefined && { lastSuccess: new Date(lastSuccessMs).toISOString() }),
    ...(lastFailure && {
      lastFailure: { at: new Date(lastFailure.atMs).toISOString(), cause: lastFailure.cause },
    }),
  };
}

function countsOf({
  exported,
  inFlight,
  dropped,
}: ReturnType<Exporters['counters']>[Signal]): Pick<SignalStatus, 'exported' | 'inFlight' | 'dropped'> {
  const happened = Object.entries(dropped).filter(([, count]) => count > 0);
  return { exported, inFlight, dropped: Object.fromEntries(happened) };
}
