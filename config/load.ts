import { EVENTS, METRICS, SPANS, type EventMode, type SpanMode } from '../semconv/index.ts';
import type { AppConfig } from './app-config.ts';
import { parseCidr } from './cidr.ts';
import { ConfigError } from './errors.ts';
import type { FilterRule, Pairs } from './format-lists.ts';
import { deepFreeze, frozenMap, frozenSet } from './freeze.ts';
import { crossProblems, otlpTarget, queueOf } from './otlp.ts';
import { health, healthProblems } from './health.ts';
import { otlpTap, otlpTapProblems } from './otlp-tap.ts';
import { OPT_IN_ATTRIBUTES } from './sections/opt-in-attributes.ts';
import { SELF_METRICS } from './sections/signals.ts';
import { readSettings, type ConfigSources, type Settings } from './settings.ts';

/** Sources, and what decides the default of `output`. */
export interface LoadConfigOptions extends ConfigSources {
  /** Whether a person sees standard output; default: no. */
  readonly isWatched?: boolean;
}

/**
 * Reads and checks all settings, those that must go together included.
 * @throws ConfigError
 */
export function readCheckedSettings(sources: ConfigSources): Settings {
  const settings = readSettings(sources);
  const crossing = crossProblems(settings);
  // These look at endpoints, which must be sound for that.
  const problems =
    crossing.length > 0 ? crossing : [...otlpTapProblems(settings), ...healthProblems(settings)];
  if (problems.length > 0) throw new ConfigError(problems);
  return settings;
}

function signals(
  settings: Settings,
): Pick<AppConfig, 'metrics' | 'selfMetrics' | 'events' | 'spans' | 'attributes'> {
  const value = <T extends string>(key: string): T => settings.values.get(key) as T;
  return {
    metrics: frozenMap(METRICS.map((m) => [m.name, value(m.switch) === 'on'])),
    selfMetrics: frozenSet(
      SELF_METRICS.map(([name]) => name).filter((name) => value(`metrics.${name}`) === 'on'),
    ),
    events: frozenMap(EVENTS.map((e) => [e.name, value<EventMode>(e.switch)])),
    spans: frozenMap(SPANS.map((s) => [s.type, value<SpanMode>(s.switch)])),
    attributes: frozenSet(
      OPT_IN_ATTRIBUTES.filter((each) => value(each.switch) === 'on').map(({ key }) => key),
    ),
  };
}

/**
 * The effective settings: defaults < YAML file (`--config`) < environment < flags.
 * Touches nothing but its arguments.
 * @throws ConfigError with at most six lines for standard error
 */
export function loadConfig(options: LoadConfigOptions): AppConfig {
  return configOf(readCheckedSettings(options), options.isWatched === true);
}

function correlation({ values }: Settings): AppConfig['correlation'] {
  const isOn = (key: string): boolean => values.get(key) === 'on';
  return {
    http1: values.get('correlation.http1') !== 'off',
    arrivals: isOn('correlation.http1'),
    http2: isOn('correlation.http2'),
    hook: isOn('correlation.hook'),
    threadContext: isOn('correlation.thread_context'),
  };
}

function spanLimits({ values }: Settings): AppConfig['spanLimits'] {
  return {
    rateLimit: values.get('spans.rate_limit') as number,
    maxPerParent: values.get('spans.max_per_parent') as number,
    maxPerTrace: values.get('spans.max_per_trace') as number,
  };
}

/** The typed form of settings that were read and checked. */
export function configOf(settings: Settings, isWatched: boolean): AppConfig {
  // The formats of the schema are what makes this cast true; test/unit/config checks each key.
  const value = <T>(key: string): T => settings.values.get(key) as T;
  return deepFreeze<AppConfig>({
    bpf: {
      ringBufferBytes: value('bpf.ring_buffer_size'),
      costlyVariants: value('bpf.costly_variants') === 'on',
      maxSeries: value('bpf.max_series'),
      maxSockets: value('bpf.max_sockets'),
      maxOwners: value('bpf.max_owners'),
    },
    correlation: correlation(settings),
    ...servedPart(settings),
    filter: {
      include: value<FilterRule[]>('filter.include'),
      exclude: value<FilterRule[]>('filter.exclude'),
    },
    ...signals(settings),
    eventRateLimit: value('events.rate_limit'),
    thresholds: {
      handshake: value('thresholds.handshake'),
      acceptQueue: value('thresholds.accept_queue'),
      receiveQueue: value('thresholds.receive_queue'),
      rtt: value('thresholds.rtt'),
      exchange: value('thresholds.exchange'),
      softirqRun: value('thresholds.softirq_run'),
      softirqWait: value('thresholds.softirq_wait'),
      wakeup: value('thresholds.wakeup'),
      zeroWindow: value('thresholds.zero_window'),
      packetStage: value('thresholds.packet_stage'),
    },
    packets: packetsPart(settings),
    exchangePhases: value('spans.exchange_phases') === 'on',
    spanLimits: spanLimits(settings),
    sampling: {
      connectionRatio: value('sampling.connection_ratio'),
      connectionSlowMs: value('sampling.connection_slow'),
    },
    ...resourcePart(settings),
    addresses: value('addresses'),
    subnets: value<string[]>('subnets').map(parseCidr),
    seriesLimit: value('series.limit'),
    output: value<AppConfig['output'] | undefined>('output') ?? (isWatched ? 'table' : 'none'),
    groupBy: value('display.group_by'),
    ...exportParts(settings),
    agent: agentPart(settings),
    logLevel: value('log.level'),
    shutdownDeadlineMs: value('shutdown.deadline'),
  });
}

function packetsPart({ values }: Settings): AppConfig['packets'] {
  const address = values.get('packets.address') as string;
  return {
    sample: values.get('packets.sample') as number,
    ports: values.get('packets.ports') as readonly number[],
    address: address === 'any' ? undefined : address,
  };
}

function resourcePart({
  values,
}: Settings): Pick<
  AppConfig,
  'resourceGranularity' | 'resourceLimit' | 'foldShortLived' | 'keepsExecNames' | 'readsContexts'
> {
  return {
    resourceGranularity: values.get('resource.granularity') as AppConfig['resourceGranularity'],
    resourceLimit: values.get('resource.limit') as number,
    foldShortLived: values.get('resource.fold_short_lived') === 'on',
    keepsExecNames: values.get('resource.exec_names') === 'on',
    readsContexts: values.get('resource.process_context') === 'on',
  };
}

/** File modes. */
const ACCESS = { owner: 0o600, group: 0o660, all: 0o666 } as const;

/** Where others reach the agent. */
function servedPart(settings: Settings): Pick<AppConfig, 'otlpTap' | 'views' | 'health'> {
  return { ...otlpTap(settings), ...viewsPart(settings), ...health(settings) };
}

function viewsPart({ values }: Settings): Pick<AppConfig, 'views'> {
  const socket = values.get('views.socket') as string;
  if (socket === 'off') return {};
  return { views: { socket, mode: ACCESS[values.get('views.access') as keyof typeof ACCESS] } };
}

/** `agent.service_name` wins over a `service.name` among the attributes, as OpenTelemetry has it. */
function agentPart(settings: Settings): AppConfig['agent'] {
  const { 'service.name': fromAttributes, ...resourceAttributes } = Object.fromEntries(
    settings.values.get('agent.resource_attributes') as Pairs,
  );
  const named = settings.values.get('agent.service_name') as string;
  const isNamed = settings.origins.has('agent.service_name');
  return { serviceName: isNamed ? named : (fromAttributes ?? named), resourceAttributes };
}

function exportParts(
  settings: Settings,
): Pick<
  AppConfig,
  'otlp' | 'temporality' | 'exemplarFilter' | 'histogramAggregation' | 'metricExport' | 'queues'
> {
  return {
    otlp: {
      traces: otlpTarget(settings, 'traces'),
      metrics: otlpTarget(settings, 'metrics'),
      logs: otlpTarget(settings, 'logs'),
    },
    temporality: settings.values.get('otlp.metrics.temporality') as AppConfig['temporality'],
    exemplarFilter:
      settings.values.get('otlp.metrics.exporter') === 'none'
        ? 'always_off'
        : (settings.values.get('otlp.metrics.exemplar_filter') as AppConfig['exemplarFilter']),
    histogramAggregation: settings.values.get(
      'otlp.metrics.histogram_aggregation',
    ) as AppConfig['histogramAggregation'],
    metricExport: {
      intervalMs: settings.values.get('export.metrics.interval') as number,
      timeoutMs: settings.values.get('export.metrics.timeout') as number,
    },
    queues: { traces: queueOf(settings, 'spans'), logs: queueOf(settings, 'events') },
  };
}
