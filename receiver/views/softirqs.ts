import { ATTR_CPU_LOGICAL_NUMBER, ATTR_SOFTIRQ_VECTOR, METRIC_SOFTIRQ_TIME } from '../../semconv/index.ts';
import { ConfigError } from '../../config/index.ts';
import type { SampleHistogram } from '../model/samples.ts';
import { line, timeOfDay, timeStamp, titles, type Column } from './columns.ts';
import { countOf, histogramLines, slotsJson } from './histogram.ts';
import { intervalOptions, ONCE_S, type ViewArguments } from './options.ts';
import type { Gain, View, ViewRow, ViewSumsNeeds } from './view.ts';

const COUNT_COLUMNS: readonly Column[] = [
  ['SOFTIRQ', 16],
  ['TOTAL_count', -11],
];

/** CPU time in the handlers of softirqs. */
export const softirqs: View = {
  name: 'softirqs',
  summary: 'CPU time in the handlers of softirqs, by vector',
  example: ['wirespan softirqs 1 10', 'each second, ten times'],
  options: [
    ...intervalOptions('print each so many seconds; else once, at the end'),
    { long: 'timestamp', short: 'T', help: 'the time of day above each' },
    { long: 'nanoseconds', short: 'N', help: 'nanoseconds instead of microseconds' },
    { long: 'events', short: 'C', help: 'how many runs instead of their time' },
    { long: 'dist', short: 'd', help: 'a histogram of the times of single runs for each vector' },
    { long: 'cpu', short: 'c', value: 'CPU', check: checkCpu, help: 'of this logical CPU only' },
  ],
  words: ['interval', 'count'],
  ownOption: (args) => ['dist', 'events'].find((long) => args.has(long)),
  needs: (args) => ({
    events: [],
    sums: {
      ...whatOf(args),
      subnets: [],
      intervalMs: (args.number('interval') ?? ONCE_S) * 1000,
      intervals: args.number('count'),
    },
    attributes: args.has('cpu') ? [ATTR_CPU_LOGICAL_NUMBER] : [],
    withoutSockets: true,
    probes: ['softirq_entry', 'softirq_exit'],
  }),
  start: (args) => ({
    header: undefined,
    row: () => undefined,
    interval: (gains, unixNs, histograms) =>
      args.has('dist') || args.has('events') ? showRuns(args, histograms, unixNs) : show(args, gains, unixNs),
  }),
};

function checkCpu(value: string): string | undefined {
  return /^\d{1,4}$/.test(value) ? undefined : 'is no CPU: give its number, from 0';
}

/** Single runs are samples, their time together is a sum. */
function whatOf(args: ViewArguments): Pick<ViewSumsNeeds, 'metrics' | 'samples'> {
  if (!args.has('dist') && !args.has('events')) return { metrics: [METRIC_SOFTIRQ_TIME] };
  if (args.has('dist') && args.has('events'))
    throw new ConfigError([
      { subject: 'wirespan softirqs: -C and -d', problem: 'do not go together: give one of them' },
    ]);
  return {
    metrics: [],
    samples: { of: 'softirq', unit: unitOf(args).ns, by: args.has('cpu') ? ['cpu'] : [] },
  };
}

function unitOf(args: ViewArguments): { readonly ns: number; readonly name: string; readonly label: string } {
  return args.has('nanoseconds')
    ? { ns: 1, name: 'ns', label: 'nsecs' }
    : { ns: 1000, name: 'us', label: 'usecs' };
}

/** With `-C` and `-d`. */
function showRuns(
  args: ViewArguments,
  histograms: readonly SampleHistogram[],
  unixNs: bigint,
): readonly ViewRow[] {
  const cpu = args.number('cpu');
  const rows = histograms
    .filter((each) => cpu === undefined || each.cpu === cpu)
    .map(({ vector = '', slots, sum }) => ({ vector, slots, sum, count: countOf(slots) }))
    .sort((a, b) => a.count - b.count)
    .map(({ vector, slots, sum, count }) => ({
      lines: args.has('dist')
        ? ['', `softirq = ${vector}`, ...histogramLines(slots, unitOf(args).label)]
        : [line(COUNT_COLUMNS, [vector, String(count)])],
      json: {
        time: timeStamp(unixNs),
        softirq: vector,
        ...(cpu !== undefined && { cpu }),
        runs: count,
        ...(args.has('dist') && {
          average_us: sum / count / 1000,
          unit: unitOf(args).name,
          slots: slotsJson(slots),
        }),
      },
    }));
  const head = [
    ...(args.has('timestamp') ? [timeOfDay(unixNs)] : []),
    ...(args.has('events') ? [titles(COUNT_COLUMNS)] : []),
  ];
  return [{ lines: head }, ...rows, { lines: [''] }];
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
