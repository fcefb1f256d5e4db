import type { Attributes, Meter } from '@opentelemetry/api';
import {
  AGENT_PROBE_STATE_VALUE_ATTACHED,
  AGENT_PROBE_STATE_VALUE_DISABLED,
  AGENT_PROBE_STATE_VALUE_FAILED,
  AGENT_PROBE_STATE_VALUE_UNSUPPORTED,
  ATTR_AGENT_CORRELATION_RESULT,
  ATTR_AGENT_MAP_NAME,
  ATTR_AGENT_PROBE_NAME,
  ATTR_AGENT_PROBE_STATE,
  ATTR_CORRELATION_METHOD,
  ATTR_ERROR_TYPE,
  ATTR_LOG_IOSTREAM,
  METRIC_AGENT_CONNECTION_COUNT,
  METRIC_AGENT_CORRELATION_LOOKUPS,
  METRIC_AGENT_EVENT_LOST,
  METRIC_AGENT_EVENT_QUEUE_CAPACITY,
  METRIC_AGENT_EVENT_QUEUE_SIZE,
  METRIC_AGENT_EVENT_RECEIVED,
  METRIC_AGENT_MAP_LIMIT,
  METRIC_AGENT_MAP_USAGE,
  METRIC_AGENT_OUTPUT_DROPPED,
  METRIC_AGENT_PROBE_RUNS,
  METRIC_AGENT_PROBE_RUN_TIME,
  METRIC_AGENT_PROBE_STATUS,
  METRIC_AGENT_RING_BUFFER_LIMIT,
  METRIC_AGENT_RING_BUFFER_USAGE,
  METRIC_AGENT_SERIES_COUNT,
  METRIC_AGENT_SERIES_LIMIT,
  METRIC_AGENT_VIEW_CUT_OFF,
  METRIC_AGENT_VIEW_COUNT,
  METRIC_AGENT_VIEW_REFUSED,
  METRIC_AGENT_WORKLOAD_COUNT,
} from '../../semconv/index.ts';
import type { MetricDescriptor } from '../../semconv/index.ts';
import type { AgentSources, ProbeState } from './agent-sources.ts';
import { tapStats } from './tap-instruments.ts';
import type { Read, Stat } from './stats.ts';
import { observe } from './stats.ts';

const probeStates: readonly ProbeState[] = [
  AGENT_PROBE_STATE_VALUE_ATTACHED,
  AGENT_PROBE_STATE_VALUE_FAILED,
  AGENT_PROBE_STATE_VALUE_DISABLED,
  AGENT_PROBE_STATE_VALUE_UNSUPPORTED,
];

/** Creates the `wirespan.agent.*` instruments for which there is a source and which are switched on. */
export function createOwnInstruments(
  meter: Meter,
  sources: AgentSources,
  isEnabled: (metric: MetricDescriptor) => boolean,
): void {
  const all = [...recordStats(sources), ...probeStats(sources), ...levelStats(sources), ...tapStats(sources)];
  for (const [metric, read] of all) {
    if (read !== undefined && isEnabled(metric)) observe(meter, metric, read);
  }
}

function recordStats(sources: AgentSources): [MetricDescriptor, Read][] {
  const { eventsReceived, eventsLost, exporters, correlationLookups, outputDropped } = sources;
  return [
    [
      METRIC_AGENT_EVENT_RECEIVED,
      eventsReceived &&
        (() => map(eventsReceived(), (r) => [r.count, named(ATTR_AGENT_PROBE_NAME, r.probe)])),
    ],
    [
      METRIC_AGENT_OUTPUT_DROPPED,
      outputDropped && (() => map(outputDropped(), (o) => [o.count, { [ATTR_LOG_IOSTREAM]: o.stream }])),
    ],
    [METRIC_AGENT_EVENT_LOST, (eventsLost ?? exporters) && (() => lossStats(sources))],
    [
      METRIC_AGENT_CORRELATION_LOOKUPS,
      correlationLookups &&
        (() =>
          map(correlationLookups(), (l) => [
            l.count,
            { [ATTR_AGENT_CORRELATION_RESULT]: l.result, ...named(ATTR_CORRELATION_METHOD, l.method) },
          ])),
    ],
  ];
}

/** A span or event that an exporter loses is lost like any other record, by its reason. */
function* lossStats({ eventsLost, exporters }: AgentSources): Iterable<Stat> {
  for (const { reason, probe, count } of eventsLost?.() ?? []) {
    yield [count, { [ATTR_ERROR_TYPE]: reason, ...named(ATTR_AGENT_PROBE_NAME, probe) }];
  }
  if (exporters === undefined) return;
  const { traces, logs } = exporters.counters();
  for (const { dropped } of [traces, logs]) {
    for (const [reason, count] of Object.entries(dropped)) {
      if (count > 0) yield [count, { [ATTR_ERROR_TYPE]: reason }];
    }
  }
}

function probeStats({ probes, probeRuns }: AgentSources): [MetricDescriptor, Read][] {
  const perProbe = (pick: (run: { runs: number; seconds: number }) => number): Read =>
    probeRuns && (() => map(probeRuns(), (run) => [pick(run), { [ATTR_AGENT_PROBE_NAME]: run.name }]));
  return [
    [
      METRIC_AGENT_PROBE_STATUS,
      probes &&
        function* (): Iterable<Stat> {
          for (const { name, state } of probes()) {
            for (const other of probeStates) {
              const value = other === state ? 1 : 0;
              yield [value, { [ATTR_AGENT_PROBE_NAME]: name, [ATTR_AGENT_PROBE_STATE]: other }];
            }
          }
        },
    ],
    [METRIC_AGENT_PROBE_RUNS, perProbe((run) => run.runs)],
    [METRIC_AGENT_PROBE_RUN_TIME, perProbe((run) => run.seconds)],
  ];
}

function levelStats(sources: AgentSources): [MetricDescriptor, Read][] {
  const { eventQueue, ringBuffer, maps, connectionCount, workloadCount, series, views } = sources;
  const perMap = (pick: (map: { usage: number; limit: number }) => number): Read =>
    maps && (() => map(maps(), (m) => [pick(m), { [ATTR_AGENT_MAP_NAME]: m.name }]));
  return [
    [METRIC_AGENT_EVENT_QUEUE_SIZE, eventQueue && (() => [[eventQueue().size]])],
    [METRIC_AGENT_EVENT_QUEUE_CAPACITY, eventQueue && (() => [[eventQueue().capacity]])],
    [METRIC_AGENT_RING_BUFFER_USAGE, ringBuffer && (() => [[ringBuffer().usage]])],
    [METRIC_AGENT_RING_BUFFER_LIMIT, ringBuffer && (() => [[ringBuffer().limit]])],
    [METRIC_AGENT_MAP_USAGE, perMap((m) => m.usage)],
    [METRIC_AGENT_MAP_LIMIT, perMap((m) => m.limit)],
    [METRIC_AGENT_CONNECTION_COUNT, connectionCount && (() => [[connectionCount()]])],
    [METRIC_AGENT_WORKLOAD_COUNT, workloadCount && (() => [[workloadCount()]])],
    [METRIC_AGENT_VIEW_COUNT, views && (() => [[views().readers]])],
    [METRIC_AGENT_VIEW_CUT_OFF, views && (() => [[views().cutOff]])],
    [METRIC_AGENT_VIEW_REFUSED, views && (() => [[views().refused]])],
    [METRIC_AGENT_SERIES_COUNT, series && (() => [[series().count]])],
    [METRIC_AGENT_SERIES_LIMIT, series && (() => [[series().limit]])],
  ];
}

function* map<T>(items: Iterable<T>, statOf: (item: T) => Stat): Iterable<Stat> {
  for (const item of items) yield statOf(item);
}

function named(key: string, value: string | undefined): Attributes {
  return value === undefined ? {} : { [key]: value };
}
