/** Alerts for Prometheus. What they speak of is the registry's; each is tested in deploy/prometheus/wirespan.rules.test.yaml. */
import {
  ATTR_AGENT_MAP_NAME,
  ATTR_AGENT_PROBE_NAME,
  ATTR_AGENT_PROBE_STATE,
  ATTR_ERROR_TYPE,
  ATTR_NETWORK_IO_DIRECTION,
  ATTR_SERVER_PORT,
  METRIC_AGENT_EVENT_LOST,
  METRIC_AGENT_MAP_LIMIT,
  METRIC_AGENT_MAP_USAGE,
  METRIC_AGENT_PROBE_STATUS,
  METRIC_TCP_ACCEPT_QUEUE_LIMIT,
  METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS,
  METRIC_TCP_ACCEPT_QUEUE_USAGE,
  METRIC_TCP_CONNECTION_OPENED,
  METRIC_TCP_RETRANSMITS,
  METRIC_TCP_SEGMENTS,
  METRIC_TCP_SYN_QUEUE_OVERFLOWS,
} from '../../semconv/index.ts';
import { increaseOf, rateOf, seriesName, shareOf, sumOf } from './queries.ts';

/** One alerting rule, as Prometheus' file has it. */
export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: 'warning' | 'critical' };
  readonly annotations: { readonly summary: string; readonly description: string };
}

const WARNING = { severity: 'warning' } as const;
const CRITICAL = { severity: 'critical' } as const;
/** Over so long shares are looked at. */
const OVER = '5m';
const AT_PORT = ['job', ATTR_SERVER_PORT];
/** Losses that make sums or records incomplete; the others are limits that work as they should. */
const REAL_LOSSES = '~ring_buffer_full|map_full|queue_full|retry_expired|rejected|encode_error|decode_error';

const retransmitted = rateOf(METRIC_TCP_RETRANSMITS, { by: ['job'], over: OVER });
const sent = rateOf(METRIC_TCP_SEGMENTS, {
  by: ['job'],
  over: OVER,
  where: { [ATTR_NETWORK_IO_DIRECTION]: 'transmit' },
});
const attempts = rateOf(METRIC_TCP_CONNECTION_OPENED, { by: ['job'], over: OVER });
const failed = rateOf(METRIC_TCP_CONNECTION_OPENED, {
  by: ['job'],
  over: OVER,
  where: { [ATTR_ERROR_TYPE]: '!' },
});

/** What the network does to services. */
export const networkRules: readonly Rule[] = [
  {
    alert: 'WirespanAcceptQueueFull',
    expr: `${increaseOf(METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS, { by: AT_PORT, over: OVER })} > 0`,
    labels: CRITICAL,
    annotations: {
      summary: '{{ $labels.job }} refuses connections at port {{ $labels.server_port }}',
      description:
        'Its accept queue was full in the last five minutes: clients wait for seconds or fail. It accepts too slowly, or its backlog (listen(), net.core.somaxconn) is too small.',
    },
  },
  {
    alert: 'WirespanAcceptQueueNearlyFull',
    expr: `${shareOf(sumOf(METRIC_TCP_ACCEPT_QUEUE_USAGE, { by: AT_PORT }), `(${sumOf(METRIC_TCP_ACCEPT_QUEUE_LIMIT, { by: AT_PORT })} > 0)`)} > 0.8`,
    for: '5m',
    labels: WARNING,
    annotations: {
      summary:
        'The accept queue of {{ $labels.job }} at port {{ $labels.server_port }} is {{ $value | humanizePercentage }} full',
      description: 'For five minutes the application has accepted more slowly than clients come.',
    },
  },
  {
    alert: 'WirespanSynQueueFull',
    expr: `${increaseOf(METRIC_TCP_SYN_QUEUE_OVERFLOWS, { by: AT_PORT, over: OVER })} > 0`,
    labels: WARNING,
    annotations: {
      summary: 'The SYN queue of {{ $labels.job }} at port {{ $labels.server_port }} was full',
      description:
        'More handshakes were under way than its backlog allows: a burst, a flood of SYNs, or final ACKs that are lost.',
    },
  },
  {
    alert: 'WirespanConnectsFail',
    expr: `${shareOf(failed, attempts)} > 0.05 and ${failed} > 0.1`,
    for: '5m',
    labels: WARNING,
    annotations: {
      summary: '{{ $value | humanizePercentage }} of the connections that {{ $labels.job }} opens fail',
      description: 'For five minutes more than one in twenty attempts was refused, timed out or was reset.',
    },
  },
  {
    alert: 'WirespanRetransmits',
    expr: `${shareOf(retransmitted, sent)} > 0.02 and ${sent} > 10`,
    for: '10m',
    labels: WARNING,
    annotations: {
      summary: '{{ $labels.job }} sends {{ $value | humanizePercentage }} of its segments again',
      description:
        'For ten minutes more than one in fifty segments was lost or late. The dashboard of the service shows the peers’ ports, and whether timeouts or fast retransmissions.',
    },
  },
];

/** Whether wirespan itself sees what it should. */
export const agentRules: readonly Rule[] = [
  {
    alert: 'WirespanRecordsLost',
    expr: `${rateOf(METRIC_AGENT_EVENT_LOST, { by: ['instance', ATTR_ERROR_TYPE], over: OVER, where: { [ATTR_ERROR_TYPE]: REAL_LOSSES } })} > 0`,
    for: '10m',
    labels: WARNING,
    annotations: {
      summary: 'An agent of wirespan loses records: {{ $labels.error_type }}',
      description:
        'For ten minutes. Sums stay exact unless it is map_full; events and spans are missing. docs/configuration.md has the bounds (bpf.*, export.*).',
    },
  },
  {
    alert: 'WirespanProbeFailed',
    expr: `${sumOf(METRIC_AGENT_PROBE_STATUS, { by: ['instance', ATTR_AGENT_PROBE_NAME], where: { [ATTR_AGENT_PROBE_STATE]: 'failed' } })} > 0`,
    for: '5m',
    labels: WARNING,
    annotations: {
      summary: 'A probe of wirespan could not be attached: {{ $labels.wirespan_agent_probe_name }}',
      description:
        'What it measures is missing on that host. `wirespan doctor` there says why and what to do.',
    },
  },
  {
    alert: 'WirespanMapNearlyFull',
    expr: `${shareOf(sumOf(METRIC_AGENT_MAP_USAGE, { by: ['instance', ATTR_AGENT_MAP_NAME] }), `(${sumOf(METRIC_AGENT_MAP_LIMIT, { by: ['instance', ATTR_AGENT_MAP_NAME] })} > 0)`)} > 0.9`,
    for: '5m',
    labels: WARNING,
    annotations: {
      summary: 'The map {{ $labels.wirespan_agent_map_name }} of an agent of wirespan is nearly full',
      description: 'What finds no room is counted and not measured: raise bpf.max_sockets or bpf.max_series.',
    },
  },
  {
    alert: 'WirespanAgentAbsent',
    expr: `count by (host_name) (last_over_time(${seriesName(METRIC_AGENT_PROBE_STATUS)}[1h]) * on (job, instance) group_left (host_name) max by (job, instance, host_name) (last_over_time(target_info[1h]))) unless count by (host_name) (${seriesName(METRIC_AGENT_PROBE_STATUS)} * on (job, instance) group_left (host_name) max by (job, instance, host_name) (target_info))`,
    for: '10m',
    labels: WARNING,
    annotations: {
      summary: 'No agent of wirespan on {{ $labels.host_name }}',
      description:
        'One told of itself within the last hour, and none does now: it stopped, or nothing of it arrives.',
    },
  },
];
