import { ATTR_CPU_LOGICAL_NUMBER, ATTR_SOFTIRQ_VECTOR, METRIC_SOFTIRQ_TIME } from '../../semconv/index.ts';
import { line, timeOfDay, timeStamp, titles, type Column } from './columns.ts';
import { intervalOptions, type ViewArguments } from './options.ts';
import type { Gain, View, ViewRow } from './view.ts';

/** Until Ctrl-C, as far as a timer goes. */
const ONCE_S = 86_400;

/** CPU time in the handlers of softirqs. */
export const softirqs: View = {
  name: 'softirqs',
  summary: 'CPU time in the handlers of softirqs, by vector',
  example: ['wirespan softirqs 1 10', 'each second, ten times'],
  options: [
    ...intervalOptions('print each so many seconds; else once, at the end'),
    { long: 'timestamp', short: 'T', help: 'the time of day above each' },
    { long: 'nanoseconds', short: 'N', help: 'nanoseconds instead of microseconds' },
    { long: 'cpu', short: 'c', value: 'CPU', check: checkCpu, help: 'of this logical CPU only' },
  ],
  words: ['interval', 'count'],
  needs: (args) => ({
    events: [],
    sums: {
      metrics: [METRIC_SOFTIRQ_TIME],
      subnets: [],
      intervalMs: (args.number('interval') ?? ONCE_S) * 1000,
      intervals: args.number('count'),
    },
    attributes: args.has('cpu') ? [ATTR_CPU_LOGICAL_NUMBER] : [],
    probes: ['softirq_entry', 'softirq_exit'],
  }),
  start: (args) => ({
    header: undefined,
    row: () => undefined,
    interval: (gains, unixNs) => show(args, gains, unixNs),
  }),
};

function checkCpu(value: string): string | undefined {
  return /^\d{1,4}$/.test(value) ? undefined : 'is no CPU: give its number, from 0';
}

function show(args: ViewArguments, gains: readonly Gain[], unixNs: bigint): readonly ViewRow[] {
  const isNs = args.has('nanoseconds');
  const columns: readonly Column[] = [
    ['SOFTIRQ', 16],
    [isNs ? 'TOTAL_nsecs' : 'TOTAL_usecs', -11],
  ];
  const cpu = args.number('cpu');
  const rows = gains
    .filter(({ attributes }) => cpu === undefined || attributes[ATTR_CPU_LOGICAL_NUMBER] === cpu)
    .map(({ attributes, value }) => ({ vector: String(attributes[ATTR_SOFTIRQ_VECTOR]), seconds: value }))
    .sort((a, b) => a.seconds - b.seconds)
    .map(({ vector, seconds }) => ({
      lines: [line(columns, [vector, (seconds * (isNs ? 1e9 : 1e6)).toFixed(0)])],
      json: { time: timeStamp(unixNs), softirq: vector, ...(cpu !== undefined && { cpu }), seconds },
    }));
  const head = [...(args.has('timestamp') ? [timeOfDay(unixNs)] : []), titles(columns)];
  return [{ lines: head }, ...rows, { lines: [''] }];
}
