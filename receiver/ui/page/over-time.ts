import { humanCount, humanRate } from '../../cli/human.ts';
import { h, type Content, type Element } from '../../report/page/element.ts';
import {
  bytes,
  fillOf,
  figure,
  nothing,
  outside,
  patterns,
  secondsText,
  table,
  type Column,
} from '../../report/page/elements.ts';
import { AREA, countTick, plot, short } from '../../report/page/plot.ts';
import { clockText, timeTicks } from '../../report/page/time-plot.ts';
import type { UiModel } from '../model.ts';
import type { TimedSlice } from '../timelines.ts';
import { connectionText, processText, rttCell, timeCell } from './cells.ts';
import type { PageBody } from './shell.ts';

/** What is left free between two bars, as a part of a slice. */
const GAP = 0.15;

/** Something that is plotted: parts that stand on each other. */
interface Plotted {
  readonly id: string;
  readonly title: string;
  readonly caption: string;
  readonly none: string;
  readonly parts: readonly { readonly name: string; readonly of: (slice: TimedSlice) => number }[];
  readonly text: (value: number) => string;
}

const OPEN: Plotted = {
  ...{ id: 'open', title: 'Connections', caption: 'Open at the end of each slice' },
  none: 'None was open.',
  parts: [{ name: 'open', of: ({ open }) => open }],
  text: countTick,
};
const PLOTS: readonly Plotted[] = [
  {
    ...{ id: 'payload', title: 'Payload', caption: 'Bytes a second', none: 'Nothing was moved.' },
    parts: [
      { name: 'sent', of: (slice) => slice.sent / secondsOf(slice) },
      { name: 'received', of: (slice) => slice.received / secondsOf(slice) },
    ],
    text: humanCount,
  },
  {
    ...{ id: 'rtt', title: 'Round-trip time', caption: 'Mean, and from there to the longest, of each slice' },
    none: 'None was measured.',
    parts: [
      { name: 'mean', of: meanRttUs },
      { name: 'longest', of: (slice) => slice.mostRttUs - meanRttUs(slice) },
    ],
    text: (us) => secondsText(us / 1e6),
  },
  {
    ...{ id: 'resent', title: 'Sent again', caption: 'Segments a second', none: 'No segment was.' },
    parts: [{ name: 'sent again', of: (slice) => slice.retransmits / secondsOf(slice) }],
    text: humanRate,
  },
];

function secondsOf({ fromMs, toMs }: TimedSlice): number {
  return Math.max(toMs - fromMs, 1) / 1e3;
}

/** Microseconds; 0: there was no sample. */
function meanRttUs({ rttUs, rtts }: TimedSlice): number {
  return rtts === 0 ? 0 : rttUs / rtts;
}

/** Whose plots are asked for. */
interface Subject {
  /** Undefined: of all. */
  readonly name: string | undefined;
  /** None: nothing is known of it. */
  readonly slices: readonly TimedSlice[];
  /** Connections are counted. */
  readonly hasOpen: boolean;
}

function subjectOf({ timelines }: UiModel, query: URLSearchParams): Subject {
  const [connection, process] = [query.get('connection'), query.get('process')];
  if (connection !== null) {
    const line = timelines.connections.get(connection);
    const name = line === undefined ? 'a connection' : connectionText(line.row);
    return { name, slices: line === undefined ? [] : timelines.slices(line), hasOpen: false };
  }
  if (process === null) return { name: undefined, slices: timelines.slices(), hasOpen: true };
  const line = timelines.processes.get(process);
  const name = line === undefined ? 'a process' : processText(line.row.owner);
  return { name, slices: line === undefined ? [] : timelines.slices(line), hasOpen: true };
}

/** Payload, round-trip times, what was sent again and open connections over time: of all, of one process or of one connection. */
export function timePage(model: UiModel, query: URLSearchParams): PageBody {
  const { name, slices, hasOpen } = subjectOf(model, query);
  const ofWhom =
    name === undefined
      ? 'Of all connections. In the tables of the other pages a process, or the local end of a connection, leads to its own plots.'
      : ['Of ', outside(name), '. ', h('a', { href: './time' }, 'Of all connections')];
  const intro = h('p', { id: 'of' }, ofWhom);
  const [first, last] = [slices[0], slices.at(-1)];
  if (first === undefined || last === undefined)
    return {
      live: [
        intro,
        nothing('There is nothing to plot: it moved nothing of late, or there was no room for it.'),
      ],
    };
  const plots = hasOpen ? [...PLOTS, OPEN] : PLOTS;
  return {
    live: [
      intro,
      patterns(),
      ...plots.map((each) => drawn(each, slices, [first.fromMs, last.toMs])),
      figures(slices, hasOpen),
    ],
  };
}

function drawn(
  { id, title, caption, none, parts, text }: Plotted,
  slices: readonly TimedSlice[],
  [fromMs, toMs]: readonly [number, number],
): Content {
  const heights = slices.map((slice) => parts.reduce((sum, { of }) => sum + of(slice), 0));
  const most = heights.reduce((a, b) => Math.max(a, b), 0);
  const heading = h('h2', { id: `${id}-title` }, title);
  if (most === 0) return [heading, nothing(none)];
  const at = clockText(new Date(slices[heights.indexOf(most)]?.fromMs ?? 0));
  const x = (ms: number): number => AREA.left + ((ms - fromMs) / (toMs - fromMs)) * (AREA.right - AREA.left);
  return [
    heading,
    plot({
      ...{ id: `${id}-plot`, caption, most, tickText: text },
      xLabel: 'time of day, UTC',
      description: `${title}. ${caption}: at most ${text(most)}, at ${at}, and ${text(heights.at(-1) ?? 0)} at last. The table below has the figures.`,
      legend: parts.map(({ name }) => name),
      xTicks: timeTicks(fromMs, toMs),
      bars: (y) => slices.flatMap((slice) => bars(slice, parts, { x, y })),
    }),
  ];
}

function bars(
  slice: TimedSlice,
  parts: Plotted['parts'],
  { x, y }: Readonly<Record<'x' | 'y', (value: number) => number>>,
): Element[] {
  const [left, right] = [x(slice.fromMs), x(slice.toMs)];
  const gap = (right - left) * GAP;
  let below = 0;
  return parts.flatMap(({ of }, index) => {
    const value = of(slice);
    const [from, to] = [y(below), y((below += value))];
    if (value === 0) return [];
    return h('rect', {
      ...{ class: 'bar', x: short(left + gap / 2), width: short(right - left - gap) },
      ...{ y: short(to), height: short(from - to), fill: fillOf(index) },
    });
  });
}

/** All that is plotted as figures, the newest first. */
function figures(slices: readonly TimedSlice[], hasOpen: boolean): Element {
  const shown = slices
    .filter(({ sent, received, retransmits, rtts, open }) => sent + received + retransmits + rtts + open > 0)
    .toReversed();
  const columns: readonly Column[] = [
    'Seconds',
    ...['Sent/s', 'Received/s', 'Sent again/s', 'RTT, mean', 'RTT, longest'],
    ...(hasOpen ? ['Open'] : []),
  ].map((label) => ({ label, isNumber: true }));
  return table({
    id: 'slices',
    caption: 'What is plotted, in figures; where nothing happened is left out',
    columns: [{ label: 'From (UTC)' }, ...columns],
    rows: shown.map((slice) => rowOf(slice, hasOpen)),
    rowIds: shown.map(({ fromMs }) => `at-${String(Math.round(fromMs))}`),
  });
}

function rowOf(slice: TimedSlice, hasOpen: boolean): Content[] {
  const { fromMs, sent, received, retransmits, mostRttUs, open } = slice;
  const seconds = secondsOf(slice);
  return [
    timeCell(fromMs),
    figure(seconds, secondsText(seconds)),
    bytes(sent / seconds),
    bytes(received / seconds),
    figure(retransmits / seconds, humanRate(retransmits / seconds)),
    rttCell(meanRttUs(slice)),
    rttCell(mostRttUs),
    ...(hasOpen ? [figure(open, humanCount(open))] : []),
  ];
}
