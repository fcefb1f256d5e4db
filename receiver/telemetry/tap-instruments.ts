import {
  ATTR_AGENT_TAP_SIGNAL,
  ATTR_ERROR_TYPE,
  METRIC_AGENT_TAP_CONNECTIONS_REFUSED,
  METRIC_AGENT_TAP_ITEMS_REJECTED,
  METRIC_AGENT_TAP_QUEUE_SIZE,
  METRIC_AGENT_TAP_QUEUE_USAGE,
  METRIC_AGENT_TAP_REQUESTS,
  type MetricDescriptor,
} from '../../semconv/index.ts';
import type { AgentSources } from './agent-sources.ts';
import type { Read, Stat } from './stats.ts';

/** What became of the OTLP of applications. */
export function tapStats({ tap }: AgentSources): [MetricDescriptor, Read][] {
  if (tap === undefined) return [];
  return [
    [METRIC_AGENT_TAP_REQUESTS, () => requestStats(tap)],
    [
      METRIC_AGENT_TAP_ITEMS_REJECTED,
      () =>
        Object.entries(tap.counters()).map(([signal, { rejectedItems }]) => [
          rejectedItems,
          { [ATTR_AGENT_TAP_SIGNAL]: signal },
        ]),
    ],
    [METRIC_AGENT_TAP_QUEUE_SIZE, () => [[tap.held().requests]]],
    [METRIC_AGENT_TAP_QUEUE_USAGE, () => [[tap.held().bytes]]],
    [METRIC_AGENT_TAP_CONNECTIONS_REFUSED, () => [[tap.refusedConnections()]]],
  ];
}

function* requestStats(tap: NonNullable<AgentSources['tap']>): Iterable<Stat> {
  for (const [signal, { forwarded, failed }] of Object.entries(tap.counters())) {
    yield [forwarded, { [ATTR_AGENT_TAP_SIGNAL]: signal }];
    for (const [failure, count] of Object.entries(failed))
      if (count > 0) yield [count, { [ATTR_AGENT_TAP_SIGNAL]: signal, [ATTR_ERROR_TYPE]: failure }];
  }
}
