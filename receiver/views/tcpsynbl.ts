import type { SampleHistogram } from '../model/samples.ts';
import { timeOfDay, timeStamp } from './columns.ts';
import { countOf, histogramLines, isFamilyShown, joinHistograms, slotsJson } from './histogram.ts';
import { intervalOptions, ONCE_S, portOption, type ViewArguments } from './options.ts';
import type { View, ViewRow } from './view.ts';

/** Accept queues at each connection that comes to them. */
export const tcpsynbl: View = {
  name: 'tcpsynbl',
  summary: 'how long accept queues were when a connection came to them, a histogram for each limit',
  example: ['wirespan tcpsynbl -L 443 10', 'the queues of one port, each ten seconds'],
  options: [
    ...intervalOptions('print each so many seconds; else once, at the end'),
    { long: 'timestamp', short: 'T', help: 'the time of day above each' },
    portOption('localport', 'L', 'listeners of this port only'),
  ],
  words: ['interval', 'count'],
  loadsAlways: true,
  needs: (args) => ({
    events: [],
    sums: {
      metrics: [],
      subnets: [],
      samples: { of: 'backlog', unit: 1, by: [] },
      intervalMs: (args.number('interval') ?? ONCE_S) * 1000,
      intervals: args.number('count'),
    },
    withoutSockets: true,
    probes: ['inet_sock_set_state'],
  }),
  ports: (args) => ({ local: args.ports('localport') }),
  start: (args) => ({
    header: undefined,
    row: () => undefined,
    interval: (_, unixNs, histograms) => show(args, histograms, unixNs),
  }),
};

function show(
  args: ViewArguments,
  histograms: readonly SampleHistogram[],
  unixNs: bigint,
): readonly ViewRow[] {
  const shown = histograms.filter(({ family }) => isFamilyShown(args, family));
  const limits = [...new Set(shown.map(({ number }) => number))].sort((a, b) => a - b);
  const rows = limits.map((limit) => {
    const { slots } = joinHistograms(shown.filter(({ number }) => number === limit));
    return {
      lines: ['', `backlog_max = ${String(limit)}`, ...histogramLines(slots, 'backlog')],
      json: {
        time: timeStamp(unixNs),
        backlog_max: limit,
        samples: countOf(slots),
        slots: slotsJson(slots),
      },
    };
  });
  return args.has('timestamp') ? [{ lines: ['', timeOfDay(unixNs)] }, ...rows] : rows;
}
