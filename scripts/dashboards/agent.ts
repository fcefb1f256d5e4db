import {
  ATTR_AGENT_CORRELATION_RESULT,
  ATTR_AGENT_MAP_NAME,
  ATTR_AGENT_PROBE_NAME,
  ATTR_AGENT_PROBE_STATE,
  ATTR_ERROR_TYPE,
  METRIC_AGENT_CONNECTION_COUNT,
  METRIC_AGENT_CORRELATION_LOOKUPS,
  METRIC_AGENT_EVENT_LAG,
  METRIC_AGENT_EVENT_LOST,
  METRIC_AGENT_EVENT_RECEIVED,
  METRIC_AGENT_MAP_LIMIT,
  METRIC_AGENT_MAP_USAGE,
  METRIC_AGENT_PROBE_STATUS,
  METRIC_AGENT_RING_BUFFER_LIMIT,
  METRIC_AGENT_RING_BUFFER_USAGE,
  METRIC_AGENT_SERIES_COUNT,
  METRIC_AGENT_SERIES_LIMIT,
  METRIC_AGENT_WORKLOAD_COUNT,
} from '../../semconv/index.ts';
import { legendOf, overTime, ranking, type Page } from './panels.ts';
import { quantileOf, rateOf, shareOf, sumOf, type Look } from './queries.ts';

const of = (...by: readonly string[]): Look => ({ by: ['host_name', ...by], hosts: true });
const legend = (...by: readonly string[]): string => legendOf('host_name', ...by);

/** The agents themselves. */
export const agent: Page = {
  name: 'agent',
  title: 'the agent itself',
  description: 'Whether wirespan sees all that it should: losses, bounds, probes.',
  variables: [{ label: 'host', values: 'label_values(target_info, host_name)' }],
  rows: {
    'Is anything lost?': [
      overTime({
        title: 'Records lost',
        description: 'By reason; exported + lost = produced.',
        unit: 'cps',
        queries: { [legend(ATTR_ERROR_TYPE)]: rateOf(METRIC_AGENT_EVENT_LOST, of(ATTR_ERROR_TYPE)) },
      }),
      overTime({
        title: 'Records received',
        description: 'From the kernel, by probe.',
        unit: 'cps',
        queries: {
          [legend(ATTR_AGENT_PROBE_NAME)]: rateOf(METRIC_AGENT_EVENT_RECEIVED, of(ATTR_AGENT_PROBE_NAME)),
        },
      }),
      overTime({
        title: 'How far behind',
        description: "The 99th percentile of the time from the kernel's time stamp to decoding.",
        unit: 's',
        queries: { [legend()]: quantileOf(0.99, METRIC_AGENT_EVENT_LAG, of()) },
      }),
      ranking({
        title: 'Probes that are not attached',
        description: 'And why not: `wirespan doctor` on the host says more.',
        unit: 'none',
        queries: {
          probes: `${sumOf(METRIC_AGENT_PROBE_STATUS, { ...of(ATTR_AGENT_PROBE_NAME, ATTR_AGENT_PROBE_STATE), where: { [ATTR_AGENT_PROBE_STATE]: '!~attached|disabled' } })} > 0`,
        },
      }),
    ],
    Bounds: [
      overTime({
        title: 'Ring buffer',
        description: 'How full when it was looked at.',
        unit: 'percentunit',
        queries: {
          [legend()]: shareOf(
            sumOf(METRIC_AGENT_RING_BUFFER_USAGE, of()),
            sumOf(METRIC_AGENT_RING_BUFFER_LIMIT, of()),
          ),
        },
      }),
      overTime({
        title: 'BPF maps',
        description: 'How full.',
        unit: 'percentunit',
        queries: {
          [legend(ATTR_AGENT_MAP_NAME)]: shareOf(
            sumOf(METRIC_AGENT_MAP_USAGE, of(ATTR_AGENT_MAP_NAME)),
            sumOf(METRIC_AGENT_MAP_LIMIT, of(ATTR_AGENT_MAP_NAME)),
          ),
        },
      }),
      overTime({
        title: 'Series',
        description: 'Live metric series, of their limit.',
        unit: 'percentunit',
        queries: {
          [legend()]: shareOf(sumOf(METRIC_AGENT_SERIES_COUNT, of()), sumOf(METRIC_AGENT_SERIES_LIMIT, of())),
        },
      }),
      overTime({
        title: 'What is watched',
        description: 'Connections and workloads.',
        unit: 'none',
        queries: {
          [`connections ${legend()}`]: sumOf(METRIC_AGENT_CONNECTION_COUNT, of()),
          [`workloads ${legend()}`]: sumOf(METRIC_AGENT_WORKLOAD_COUNT, of()),
        },
      }),
      overTime({
        title: 'Trace contexts',
        description: 'Look-ups by their result.',
        unit: 'cps',
        queries: {
          [legend(ATTR_AGENT_CORRELATION_RESULT)]: rateOf(
            METRIC_AGENT_CORRELATION_LOOKUPS,
            of(ATTR_AGENT_CORRELATION_RESULT),
          ),
        },
      }),
    ],
  },
};
