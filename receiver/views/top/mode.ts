import type { CellContext, TopColumn } from './columns.ts';

/** One kind of rows. */
export interface Mode<Row> {
  /** `Connections` */
  readonly title: string;
  readonly columns: readonly TopColumn<Row>[];
  rows(): readonly Row[];
  /** Tells rows apart, also when they move. */
  idOf(row: Row): string;
  /** What a filter looks into, besides the texts of the columns. */
  searched(row: Row): string;
  /** Its detail is shown: it stays a row until that of another one is, though it may be over. */
  keep?(row: Row): void;
  /** All that is known of a row, a line each: a heading, and what it is. */
  detail(row: Row, context: CellContext): readonly (readonly [heading: string, text: string])[];
}

/** Where one list is, and in which order. */
export interface ListState {
  /** Title of the column that it is sorted by. */
  sortedBy: string;
  isReversed: boolean;
  /** Row that is chosen; undefined: the first one, whatever it is. */
  chosen: string | undefined;
  /** Rows above the first one that is shown. */
  scrolled: number;
}

/** The rows that have `filter` somewhere, in their order. */
export function ordered<Row>(
  mode: Mode<Row>,
  { sortedBy, isReversed }: ListState,
  { filter, context }: { readonly filter: string; readonly context: CellContext },
): Row[] {
  const wanted = filter.toLowerCase();
  const isWanted = (row: Row): boolean =>
    [mode.searched(row), ...mode.columns.filter(isText).map(({ text }) => text(row, context))]
      .join('\n')
      .toLowerCase()
      .includes(wanted);
  const rows = wanted === '' ? mode.rows() : mode.rows().filter(isWanted);
  const column = mode.columns.find(({ title }) => title === sortedBy);
  if (column === undefined) return [...rows];
  const turn = isReversed ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: column.sortBy(row), id: mode.idOf(row) }));
  keyed.sort((a, b) => turn * compare(a.key, b.key) || (a.id < b.id ? -1 : 1));
  return keyed.map(({ row }) => row);
}

function isText<Row>({ max }: TopColumn<Row>): boolean {
  return max !== undefined;
}

/** The greatest number first, texts by the alphabet. */
function compare(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return b - a;
  return a < b ? -1 : a > b ? 1 : 0;
}
