import { h, type Content, type Element } from './element.ts';
import type { SoftirqTimes } from '../report.ts';
import { fillOf, nothing, outside, seconds, secondsText, table } from './elements.ts';
import { AREA, plot, short } from './plot.ts';
import { FILLS } from './style.ts';

/** CPUs that the plot and its table have; the busiest. */
const MAX_CPUS = 64;
const GAP = 0.3;
const MAX_BAR = 120;

/** CPU time in softirq handlers: a bar a CPU, stacked by vector. */
export function softirqPlot({ total, byVector, byCpu }: SoftirqTimes): Element {
  if (total === 0) return nothing('No softirq time was recorded.');
  const cpus = [...byCpu]
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, MAX_CPUS)
    .sort((a, b) => a.cpu - b.cpu);
  const named = byVector.slice(0, byVector.length > FILLS ? FILLS - 1 : FILLS).map(({ vector }) => vector);
  const names = byVector.length > named.length ? [...named, 'all other vectors'] : named;
  const stacks = cpus.map(({ vectors }) => folded(vectors, names.length));
  const width = (AREA.right - AREA.left) / cpus.length;
  const caption = 'CPU time in softirq handlers by CPU and vector';
  const left = byCpu.length - cpus.length;
  return h('div', {}, [
    plot({
      ...{ id: 'softirqs-plot', caption, legend: names, tickText: secondsText, xLabel: 'CPU' },
      description: `${caption}. ${secondsText(total)} altogether. The table below has the figures.`,
      most: cpus.reduce((most, cpu) => Math.max(most, cpu.seconds), 0),
      xTicks: cpus.map(({ cpu }, place) => ({
        x: short(AREA.left + (place + 0.5) * width),
        text: cpuText(cpu),
      })),
      bars: (y) =>
        stacks.flatMap((stack, place) => {
          const bar = Math.min(MAX_BAR, width * (1 - GAP));
          const x = short(AREA.left + (place + 0.5) * width - bar / 2);
          return stackOf(stack, { x, width: short(bar) }, y);
        }),
    }),
    table({
      id: 'softirqs',
      caption,
      columns: [
        { label: 'CPU' },
        { label: 'all', isNumber: true },
        ...byVector.map(({ vector }) => ({ label: vector, isNumber: true })),
      ],
      rows: [
        ...cpus.map(({ cpu, seconds: all, vectors }): Content[] => [
          cpuText(cpu),
          ...[all, ...vectors].map(seconds),
        ]),
        [outside('all CPUs'), ...[total, ...byVector.map((each) => each.seconds)].map(seconds)],
      ],
      ...(left > 0 && { more: `${String(left)} more CPUs, which had less; their time is in the last row` }),
    }),
  ]);
}

/** What has no pattern of its own is the last part. */
function folded(vectors: readonly number[], parts: number): number[] {
  const rest = vectors.slice(parts - 1).reduce((sum, value) => sum + value, 0);
  return [...vectors.slice(0, parts - 1), rest];
}

function stackOf(
  stack: readonly number[],
  place: { readonly x: number; readonly width: number },
  y: (value: number) => number,
): Element[] {
  let below = 0;
  return stack.flatMap((value, index) => {
    const [from, to] = [y(below), y((below += value))];
    if (value === 0) return [];
    const height = short(from - to);
    return h('rect', { class: 'bar', ...place, y: short(to), height, fill: fillOf(index) });
  });
}

/** Rows of recordings that did not tell CPUs apart. */
function cpuText(cpu: number): string {
  return cpu < 0 ? 'all' : String(cpu);
}
