/** Prints comparisons, and writes them as JSON. */
import { format, print } from '../report.ts';
import { compare, type Comparison, type Pair, type Spread } from './pairs.ts';
import type { Figure } from './part.ts';

const LABEL_WIDTH = 46;
const CELL_WIDTH = 12;
const COLUMNS = ['the other', 'this tree', 'ratio', 'quarter', 'to', 'least', 'to', 'pairs'];

/** What one row says, in the JSON. */
export type Row = Figure & Comparison & { readonly samples: readonly Pair[] };

export function printHead(against: string): void {
  const [, ...rest] = COLUMNS;
  const cells = [against, ...rest].map((name) => name.padStart(CELL_WIDTH)).join('');
  print(`\n${''.padEnd(LABEL_WIDTH)}${cells}`);
}

/** Prints the rows of figures that were measured together. */
export function printRows(figures: readonly Figure[], pairs: readonly Pair[]): Row[] {
  const samplesOf = (key: string): Pair[] =>
    pairs.map(({ against, tree }) => ({
      against: { [key]: against[key] ?? NaN },
      tree: { [key]: tree[key] ?? NaN },
    }));
  const rows = figures.map((figure) => ({
    ...figure,
    ...compare(pairs, figure.key),
    samples: samplesOf(figure.key),
  }));
  for (const row of rows) print(lineOf(row));
  return rows;
}

function lineOf({ label, unit, aim, digits = 2, against, tree, ratio, pairs }: Row): string {
  const ratios = [ratio.median, ratio.lowerQuartile, ratio.upperQuartile, ratio.least, ratio.most];
  const cells = [
    ...[against, tree].map(({ median }: Spread) => format(median, digits)),
    ...ratios.map((value) => format(value, 3)),
    String(pairs),
  ];
  const line = cells.map((cell) => cell.padStart(CELL_WIDTH)).join('');
  return `${`  ${label}`.padEnd(LABEL_WIDTH)}${line}  ${unit}${aim === undefined ? '' : `   aim ${aim}`}`;
}
