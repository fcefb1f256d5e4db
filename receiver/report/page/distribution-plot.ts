import { h, type Content, type Element } from './element.ts';
import { humanCount } from '../../cli/human.ts';
import type { Distribution } from '../report.ts';
import { count, fillOf, figure, nothing, table } from './elements.ts';
import { AREA, countTick, plot, short } from './plot.ts';

const GAP = 0.2;
const MAX_BAR = 60;

export interface DistributionParts {
  readonly id: string;
  readonly title: string;
  /** What is counted, such as `handshakes`. */
  readonly unit: string;
  readonly distributions: readonly Distribution[];
  /** What boundaries are of, such as `length`. */
  readonly measure: string;
  /** A boundary, or a mean. */
  readonly valueText: (value: number) => string;
  readonly none: string;
}

/** How many there were of each length, beside each other, and a table of it below. */
export function distributionPlot(parts: DistributionParts): Element {
  const { id, title, unit, measure, distributions, valueText, none } = parts;
  const heading = h('h3', { id: `${id}-title` }, title);
  const [first] = distributions;
  if (first === undefined) return h('div', {}, [heading, nothing(none)]);
  const range = usedRange(distributions);
  const labels = range.map((bucket) => bucketText(first.boundaries, bucket, valueText));
  const most = distributions.flatMap(({ counts }) => counts).reduce((a, b) => Math.max(a, b), 0);
  const caption = `${title}: ${unit} by ${measure}`;
  return h('div', {}, [
    heading,
    plot({
      ...{ id: `${id}-plot`, caption, most, tickText: countTick, xLabel: `${measure}, up to and with` },
      description: `${caption}. ${distributions.map((each) => summary(each, parts)).join('; ')}. The table below has the figures.`,
      legend: distributions.map(({ name }) => name),
      xTicks: range.map((bucket, index) => ({
        x: short(AREA.left + (index + 0.5) * bucketWidth(range)),
        text: upperText(first.boundaries, bucket, valueText),
      })),
      bars: (y) => bars(distributions, range, y),
    }),
    table({
      id,
      caption: `${title}: ${unit} of each ${measure}`,
      columns: [{ label: measure }, ...distributions.map(({ name }) => ({ label: name, isNumber: true }))],
      rows: [
        ...range.map((bucket, index): Content[] => [
          labels[index],
          ...distributions.map(({ counts }) => count(counts[bucket] ?? 0)),
        ]),
        ['all', ...distributions.map((each) => count(each.count))],
        ['mean', ...distributions.map((each) => mean(each, valueText))],
      ],
    }),
  ]);
}

function mean({ sum, count: all }: Distribution, valueText: (value: number) => string): Content {
  return all === 0 ? '–' : figure(sum / all, valueText(sum / all));
}

function summary({ name, sum, count: all }: Distribution, { valueText }: DistributionParts): string {
  return `${name}: ${humanCount(all)}, on average ${all === 0 ? '–' : valueText(sum / all)}`;
}

/** From the first bucket that has something to the last. */
function usedRange(distributions: readonly Distribution[]): number[] {
  const [first] = distributions;
  const buckets = Array.from({ length: (first?.boundaries.length ?? 0) + 1 }, (_, bucket) => bucket);
  const isUsed = (bucket: number): boolean => distributions.some(({ counts }) => (counts[bucket] ?? 0) > 0);
  const [from, to] = [buckets.find(isUsed) ?? 0, buckets.findLast(isUsed) ?? 0];
  return buckets.slice(from, to + 1);
}

function bucketWidth(range: readonly number[]): number {
  return (AREA.right - AREA.left) / range.length;
}

function bars(
  distributions: readonly Distribution[],
  range: readonly number[],
  y: (value: number) => number,
): Element[] {
  const whole = bucketWidth(range);
  const width = Math.min(MAX_BAR, (whole * (1 - GAP)) / distributions.length);
  return range.flatMap((bucket, place) =>
    distributions.flatMap(({ counts }, index) => {
      const value = counts[bucket] ?? 0;
      if (value === 0) return [];
      const x = AREA.left + (place + 0.5) * whole + (index - distributions.length / 2) * width;
      return h('rect', {
        ...{ class: 'bar', x: short(x), width: short(width), fill: fillOf(index) },
        ...{ y: short(y(value)), height: short(AREA.bottom - y(value)) },
      });
    }),
  );
}

/** `10 ms to 25 ms`, the second of them included. */
function bucketText(boundaries: readonly number[], bucket: number, text: (value: number) => string): string {
  const [from, to] = [boundaries[bucket - 1], boundaries[bucket]];
  if (to === undefined) return from === undefined ? 'any' : `above ${text(from)}`;
  return from === undefined ? `up to ${text(to)}` : `above ${text(from)}, up to ${text(to)}`;
}

function upperText(boundaries: readonly number[], bucket: number, text: (value: number) => string): string {
  const to = boundaries[bucket];
  return to === undefined ? 'more' : text(to);
}
