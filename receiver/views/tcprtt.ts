import { parseCidr } from '../../config/index.ts';
import type { SampleHistogram } from '../model/samples.ts';
import { timeOfDay, timeStamp } from './columns.ts';
import { countOf, histogramLines, isFamilyShown, joinHistograms, slotsJson } from './histogram.ts';
import {
  checkAddress,
  durationOption,
  hostCidr,
  intervalOptions,
  ONCE_S,
  portOption,
  REMOTE_ADDRESS,
  type ViewArguments,
  type ViewOption,
} from './options.ts';
import type { View, ViewRow } from './view.ts';

const LOCAL_PORT = portOption('lport', 'p', 'this local port only');
const REMOTE_PORT = portOption('rport', 'P', 'this port of the other end only');
const LOCAL_ADDRESS: ViewOption = {
  long: 'laddr',
  short: 'a',
  value: 'ADDRESS',
  check: checkAddress,
  help: 'this local address only',
};

/** RTT at each segment that came. */
export const tcprtt: View = {
  name: 'tcprtt',
  summary: 'smoothed round-trip times of TCP connections as a histogram, a sample for each segment that came',
  example: ['wirespan tcprtt -i 1 -d 10 -e', 'each second for ten seconds, with the average'],
  options: [
    ...intervalOptions('print each so many seconds; else once, at the end'),
    durationOption('end after so many seconds'),
    { long: 'timestamp', short: 'T', help: 'the time of day above each' },
    { long: 'milliseconds', short: 'm', help: 'slots of milliseconds instead of microseconds' },
    LOCAL_PORT,
    REMOTE_PORT,
    LOCAL_ADDRESS,
    REMOTE_ADDRESS,
    { long: 'byladdr', short: 'b', help: 'a histogram for each local address' },
    { long: 'byraddr', short: 'B', help: 'a histogram for each address of the other end' },
    { long: 'extension', short: 'e', help: 'the average, too' },
  ],
  words: ['interval', 'count'],
  loadsAlways: true,
  needs: (args) => {
    const duration = args.number('duration');
    const interval = args.number('interval') ?? duration ?? ONCE_S;
    const isLocal = args.has('byladdr') || args.has('laddr');
    return {
      events: [],
      sums: {
        metrics: [],
        subnets: [],
        samples: {
          of: 'rtt',
          unit: args.has('milliseconds') ? 1000 : 1,
          by: [...(isLocal ? ['local' as const] : []), ...(args.has('byraddr') ? ['remote' as const] : [])],
        },
        intervalMs: interval * 1000,
        intervals:
          args.number('count') ?? (duration === undefined ? undefined : Math.ceil(duration / interval)),
      },
      withoutSockets: true,
      probes: ['tcp_probe'],
    };
  },
  ports: (args) => ({ local: args.ports('lport'), remote: args.ports('rport') }),
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
  const local = normalAddress(args.text('laddr'));
  const sections = new Map<string, SampleHistogram[]>();
  for (const each of histograms) {
    if (!isFamilyShown(args, each.family) || (local !== undefined && each.localAddress !== local)) continue;
    const title = titleOf(args, each);
    sections.set(title, [...(sections.get(title) ?? []), each]);
  }
  const head = ['', ...(args.has('timestamp') ? [timeOfDay(unixNs)] : [])];
  const rows = [...sections]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([title, of]) => sectionRow(args, title, of, unixNs));
  return [{ lines: head }, ...rows];
}

/** As the kernel's addresses are written: `0:0::1` is `::1`. */
function normalAddress(address: string | undefined): string | undefined {
  return address === undefined ? undefined : parseCidr(hostCidr(address)).address;
}

function titleOf(args: ViewArguments, { localAddress, remoteAddress }: SampleHistogram): string {
  const parts = [
    ...(args.has('byladdr') ? [`Local Address = ${localAddress ?? ''}`] : []),
    ...(args.has('byraddr') ? [`Remote Address = ${remoteAddress ?? ''}`] : []),
  ];
  return parts.length === 0 ? 'All Addresses = ******' : parts.join(', ');
}

function sectionRow(
  args: ViewArguments,
  title: string,
  histograms: readonly SampleHistogram[],
  unixNs: bigint,
): ViewRow {
  const { slots, sum } = joinHistograms(histograms);
  const isMs = args.has('milliseconds');
  const count = countOf(slots);
  const averageUs = sum / count;
  const average = Math.floor(averageUs / (isMs ? 1000 : 1));
  const [first] = histograms;
  return {
    lines: [
      args.has('extension') ? `${title} [AVG ${String(average)}]` : title,
      ...histogramLines(slots, isMs ? 'msecs' : 'usecs'),
    ],
    json: {
      time: timeStamp(unixNs),
      ...(args.has('byladdr') && { local_address: first?.localAddress }),
      ...(args.has('byraddr') && { remote_address: first?.remoteAddress }),
      samples: count,
      average_us: averageUs,
      unit: isMs ? 'ms' : 'us',
      slots: slotsJson(slots),
    },
  };
}
