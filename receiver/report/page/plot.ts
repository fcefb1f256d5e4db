import { scaleLinear } from 'd3-scale';
import { humanCount } from '../../cli/human.ts';
import { h, type Content, type Element } from './element.ts';
import { legend } from './elements.ts';

/** In units of the picture, which is as wide as the page. */
const WIDTH = 960;
const LEFT = 64;
const [RIGHT, TOP, BOTTOM] = [12, 12, 44];
const PLOT_HEIGHT = 150;
const TICKS = 5;

/** Where the bars of a plot stand. */
export const AREA = { left: LEFT, right: WIDTH - RIGHT, top: TOP, bottom: TOP + PLOT_HEIGHT } as const;

export interface PlotParts {
  readonly id: string;
  readonly caption: Content;
  /** What is to be seen, in a sentence, for those who do not see it. */
  readonly description: string;
  readonly legend: readonly string[];
  /** The largest value. */
  readonly most: number;
  readonly tickText: (value: number) => string;
  readonly xTicks: readonly { readonly x: number; readonly text: string }[];
  readonly xLabel: string;
  readonly bars: (y: (value: number) => number) => readonly Element[];
}

/** Bars above an axis, as a figure with a caption and a legend. */
export function plot(parts: PlotParts): Element {
  const { id, caption, description, most, tickText, xTicks, xLabel } = parts;
  const y = scaleLinear([0, Math.max(most, Number.MIN_VALUE)], [AREA.bottom, AREA.top]).nice(TICKS);
  const yTicks = y
    .ticks(TICKS)
    .map((value) => [
      h('line', { class: 'grid', x1: AREA.left, x2: AREA.right, y1: y(value), y2: y(value) }),
      h('text', { x: AREA.left - 8, y: y(value) + 4, 'text-anchor': 'end' }, tickText(value)),
    ]);
  const xMarks = xTicks.map(({ x, text }) => [
    h('line', { class: 'axis', x1: x, x2: x, y1: AREA.bottom, y2: AREA.bottom + 5 }),
    h('text', { x, y: AREA.bottom + 18, 'text-anchor': 'middle' }, text),
  ]);
  const label = h(
    'text',
    { x: (AREA.left + AREA.right) / 2, y: AREA.bottom + 36, 'text-anchor': 'middle' },
    xLabel,
  );
  const axis = h('line', {
    ...{ class: 'axis', x1: AREA.left, x2: AREA.right, y1: AREA.bottom, y2: AREA.bottom },
  });
  return h('figure', { id }, [
    h('figcaption', { id: `${id}-caption` }, caption),
    h(
      'svg',
      {
        viewBox: `0 0 ${String(WIDTH)} ${String(AREA.bottom + BOTTOM)}`,
        role: 'img',
        'aria-label': description,
      },
      [yTicks, parts.bars((value) => y(value)), axis, xMarks, label],
    ),
    legend(parts.legend),
  ]);
}

/** Nobody counts halves: a line between two counts has no text. */
export function countTick(value: number): string {
  return Number.isInteger(value) ? humanCount(value) : '';
}

/** A coordinate is no longer than it needs to be: there are many. */
export function short(value: number): number {
  return Math.round(value * 100) / 100;
}
