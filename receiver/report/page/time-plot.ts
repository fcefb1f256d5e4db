import { scaleUtc } from 'd3-scale';
import { h, type Content, type Element } from './element.ts';
import type { Breakdown, Part, Report } from '../report.ts';
import { count, fillOf, figure, nothing, outside, percentText, table } from './elements.ts';
import { humanCount } from '../../cli/human.ts';
import { AREA, countTick, plot, short } from './plot.ts';

const TIME_TICKS = 8;
const GAP = 0.15;
/** Nearer to the right edge a mark's text would be cut off. */
const EDGE = 16;

export interface TimePlotParts {
  readonly id: string;
  readonly title: string;
  /** What is counted, such as `segments`. */
  readonly unit: string;
  /** What the parts are, such as `type`. */
  readonly by: string;
  readonly breakdown: Breakdown;
  readonly slices: Report['slices'];
  /** What is to be said where nothing was counted. */
  readonly none: string;
}

/** A sum over time in stacked bars, and a table of it below. */
export function timePlot(parts: TimePlotParts): Element {
  const { id, title, unit, by, breakdown, slices, none } = parts;
  const heading = h('h3', { id: `${id}-title` }, title);
  if (breakdown.total === 0) return h('div', {}, [heading, nothing(none)]);
  const shown = partsOf(breakdown, by);
  const peaks = Array.from({ length: slices.count }, (_, slice) =>
    shown.reduce((sum, part) => sum + (part.slices[slice] ?? 0), 0),
  );
  const most = peaks.reduce((a, b) => Math.max(a, b), 0);
  const caption = `${title}: ${unit} in each ${lengthText(slices.seconds)}`;
  return h('div', {}, [
    heading,
    plot({
      ...{ id: `${id}-plot`, caption, most, tickText: countTick, xLabel: 'time of day, UTC' },
      description: `${caption}. ${humanCount(breakdown.total)} altogether, at most ${humanCount(most)} at once. The table below has the figures.`,
      legend: shown.map(({ name }) => name),
      xTicks: timeTicks(slices.startMs, slices.startMs + slices.count * slices.seconds * 1e3),
      bars: (y) => bars(shown, slices, y),
    }),
    table({
      id,
      caption: `${title}, by ${by}`,
      columns: [
        { label: by },
        { label: unit, isNumber: true },
        { label: 'share', isNumber: true },
        {
          label: slices.seconds === 1 ? 'most in a second' : `most in ${lengthText(slices.seconds)}`,
          isNumber: true,
        },
        { label: 'that was at (UTC)', isNumber: true },
      ],
      rows: shown.map((part) => row(part, breakdown, slices)),
    }),
    sliceTable(parts, shown),
  ]);
}

function partsOf({ parts, others }: Breakdown, by: string): Part[] {
  if (others.total === 0) return [...parts];
  const names = others.isUncounted ? `more than ${String(others.names)}` : String(others.names);
  return [...parts, { ...others, name: `${names} more, each another ${by}` }];
}

function row(part: Part, { total }: Breakdown, { startMs, seconds }: Report['slices']): Content[] {
  const most = part.slices.reduce((a, b) => Math.max(a, b), 0);
  const at = startMs + part.slices.indexOf(most) * seconds * 1e3;
  return [
    outside(part.name),
    count(part.total),
    figure(part.total / total, percentText(part.total, total)),
    count(most),
    time(at),
  ];
}

/** Every bar as figures, for those who ask: closed at first, since it is long. */
function sliceTable({ id, title, unit, by, slices }: TimePlotParts, shown: readonly Part[]): Element {
  const rows = Array.from({ length: slices.count }, (_, slice) => [
    time(slices.startMs + slice * slices.seconds * 1e3),
    ...shown.map((part) => count(part.slices[slice] ?? 0)),
  ]).filter((_, slice) => shown.some((part) => (part.slices[slice] ?? 0) > 0));
  return h('details', {}, [
    h('summary', {}, `${title}: the figures of each bar`),
    table({
      id: `${id}-slices`,
      caption: `${unit} in each ${lengthText(slices.seconds)} from the time given, by ${by}; where there were none is left out`,
      columns: [{ label: 'time (UTC)' }, ...shown.map(({ name }) => ({ label: name, isNumber: true }))],
      rows,
    }),
  ]);
}

function bars(
  shown: readonly Part[],
  { count: slices }: Report['slices'],
  y: (value: number) => number,
): Element[] {
  const width = (AREA.right - AREA.left) / slices;
  return Array.from({ length: slices }, (_, slice) => {
    let below = 0;
    return shown.map((part, index) => {
      const value = part.slices[slice] ?? 0;
      const [from, to] = [y(below), y((below += value))];
      if (value === 0) return undefined;
      const x = AREA.left + slice * width + (width * GAP) / 2;
      return h('rect', {
        ...{ class: 'bar', x: short(x), width: short(width * (1 - GAP)) },
        ...{ y: short(to), height: short(from - to), fill: fillOf(index) },
      });
    });
  }).flatMap((each) => each.filter((bar) => bar !== undefined));
}

/** Marks of a plot from one time to another, Unix milliseconds. */
export function timeTicks(fromMs: number, toMs: number): { x: number; text: string }[] {
  const scale = scaleUtc([fromMs, toMs], [AREA.left, AREA.right]);
  return scale
    .ticks(TIME_TICKS)
    .map((date) => ({ x: short(scale(date)), text: clockText(date) }))
    .filter(({ x }) => x <= AREA.right - EDGE);
}

function time(ms: number): Element {
  const date = new Date(ms);
  return h('time', { datetime: date.toISOString() }, clockText(date));
}

/** The time of day, UTC. */
export function clockText(date: Date): string {
  return date.toISOString().slice(11, 19);
}

function lengthText(seconds: number): string {
  return seconds === 1 ? 'second' : `${String(seconds)} s`;
}
