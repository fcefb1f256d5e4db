/** Two builds measured in turns, and what their figures are of one another. */
import { median } from '../report.ts';

/** Something of the other build, and the same of the working tree. */
export interface Sides<T> {
  readonly against: T;
  readonly tree: T;
}

export type Side = keyof Sides<unknown>;

/** Figures by their keys, each in its own unit. */
export type Reading = Readonly<Record<string, number>>;

/** One reading of each side, taken close to each other. */
export type Pair = Sides<Reading>;

export interface Spread {
  readonly least: number;
  readonly lowerQuartile: number;
  readonly median: number;
  readonly upperQuartile: number;
  readonly most: number;
}

/** All of them NaN when there is no sample. */
export function spreadOf(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((a, b) => a - b);
  const half = Math.ceil(sorted.length / 2);
  return {
    least: sorted[0] ?? NaN,
    lowerQuartile: median(sorted.slice(0, half)),
    median: median(sorted),
    upperQuartile: median(sorted.slice(-half || sorted.length)),
    most: sorted.at(-1) ?? NaN,
  };
}

/** One figure of both sides, and the working tree's of the other's, pair by pair. */
export interface Comparison extends Sides<Spread> {
  readonly ratio: Spread;
  readonly pairs: number;
}

export function compare(pairs: readonly Pair[], key: string): Comparison {
  const of = (side: Side): number[] => pairs.map((pair) => pair[side][key] ?? NaN);
  const [against, tree] = [of('against'), of('tree')];
  const ratios = tree.map((value, i) => value / (against[i] ?? NaN));
  return {
    against: spreadOf(against),
    tree: spreadOf(tree),
    ratio: spreadOf(ratios),
    pairs: pairs.length,
  };
}

/** Each figure's median over readings that have the same figures. */
function medianOf(readings: readonly Reading[]): Reading {
  const keys = Object.keys(readings[0] ?? {});
  return Object.fromEntries(keys.map((key) => [key, median(readings.map((reading) => reading[key] ?? NaN))]));
}

/** Who begins: each side every other time, so that what the first one meets and a drift of the machine's speed hit both alike. */
export function orderOf(turn: number): readonly [Side, Side] {
  return turn % 2 === 0 ? ['against', 'tree'] : ['tree', 'against'];
}

/** The medians of so many readings of each side, taken in turns; `pair`: its number among others. */
export async function takePair<T>(
  pair: number,
  turns: number,
  sides: Sides<T>,
  measure: (of: T) => Promise<Reading>,
): Promise<Pair> {
  const readings = { against: [] as Reading[], tree: [] as Reading[] };
  for (let turn = 0; turn < turns; turn += 1)
    for (const side of orderOf(pair + turn)) readings[side].push(await measure(sides[side]));
  return { against: medianOf(readings.against), tree: medianOf(readings.tree) };
}

/** Pairs of one reading of each side. */
export async function takePairs<T>(
  count: number,
  sides: Sides<T>,
  measure: (of: T) => Promise<Reading>,
): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let pair = 0; pair < count; pair += 1) pairs.push(await takePair(pair, 1, sides, measure));
  return pairs;
}
