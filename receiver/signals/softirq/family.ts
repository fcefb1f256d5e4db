import {
  EVENT_SOFTIRQ_SLOW,
  METRIC_SOFTIRQ_DURATION,
  METRIC_SOFTIRQ_TIME,
  METRIC_SOFTIRQ_WAIT_DURATION,
} from '../../../semconv/index.ts';
import { PROBE_ID } from '../../decode/generated/layout.ts';
import type { Family, FamilySums, SumsParts } from '../family.ts';
import { nanoseconds, onTracepoint, type Wanted } from '../kernel.ts';
import { softirqDecoder } from './decode.ts';
import { softirqEvents } from './events.ts';
import { SoftirqSums } from './sums.ts';

export interface SoftirqOptions {
  readonly emit: { readonly softirqSlow: boolean };
  /** Microseconds above which a record is made; 0: never. */
  readonly thresholds: { readonly softirqRunUs: number; readonly softirqWaitUs: number };
  readonly softirqs: boolean;
  readonly softirqDuration: boolean;
  readonly softirqWait: boolean;
}

const isWanted = ({ softirqs }: SoftirqOptions): boolean => softirqs;

/** The network's softirqs: their CPU time, their runs, how long they waited. */
export const softirq: Family<SoftirqOptions> = {
  name: 'softirq',
  options,
  probes: [
    onTracepoint<SoftirqOptions>('softirq_raise', 'ws_softirq_raise', {
      isWanted: ({ softirqWait }) => softirqWait,
    }),
    onTracepoint('softirq_entry', 'ws_softirq_entry', { isWanted }),
    onTracepoint('softirq_exit', 'ws_softirq_exit', { isWanted }),
  ],
  variables: ({ emit: { softirqSlow }, thresholds, softirqDuration, softirqWait }) => ({
    cfg_softirq_duration: softirqDuration,
    cfg_softirq_wait: softirqWait,
    cfg_slow_softirq_run_ns: nanoseconds(softirqSlow, thresholds.softirqRunUs),
    cfg_slow_softirq_wait_ns: nanoseconds(softirqSlow, thresholds.softirqWaitUs),
  }),
  probeNames: { [PROBE_ID.PROBE_SOFTIRQ]: 'softirq_entry' },
  records: [softirqDecoder],
  sums: createSums,
  events: softirqEvents,
};

/** The event is never on a trace: `correlated` asks for nothing. */
function options({ event, metric, samples, thresholdsUs }: Wanted): SoftirqOptions {
  const { softirqRun: softirqRunUs, softirqWait: softirqWaitUs } = thresholdsUs;
  const softirqSlow = event(EVENT_SOFTIRQ_SLOW) === 'on';
  const softirqDuration = metric(METRIC_SOFTIRQ_DURATION);
  const softirqWait = metric(METRIC_SOFTIRQ_WAIT_DURATION) || (softirqSlow && softirqWaitUs > 0);
  const isSlowRunWanted = softirqSlow && softirqRunUs > 0;
  return {
    emit: { softirqSlow },
    thresholds: { softirqRunUs, softirqWaitUs },
    softirqs:
      metric(METRIC_SOFTIRQ_TIME) ||
      softirqDuration ||
      softirqWait ||
      isSlowRunWanted ||
      samples?.of === 'softirq',
    softirqDuration,
    softirqWait,
  };
}

function createSums({ context }: SumsParts): FamilySums {
  const softirqs = new SoftirqSums(context);
  return { maps: [{ map: 'softirqs', update: (image) => softirqs.update(image) }] };
}
