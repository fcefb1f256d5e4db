import { cut, printable } from '../../cli/human.ts';
import { isAscii, textWidth } from '../../cli/text-width.ts';
import type { TopColumn } from './columns.ts';

/** Blanks between columns. */
const GAP = 1;
/** Added to the rank of figures where lines are wanted. */
const HELD_BACK = 10;

export interface Placed<Row> {
  readonly column: TopColumn<Row>;
  readonly width: number;
}

/**
 * The columns that fit `width`, one at least, each as wide as it is; texts share what is left, as far as they need it: `needs` is how
 * wide the longest text of a column is. With `sparks` lines come before figures.
 */
export function place<Row>(
  columns: readonly TopColumn<Row>[],
  needs: (column: TopColumn<Row>) => number,
  { width, sparks }: { readonly width: number; readonly sparks: boolean },
): Placed<Row>[] {
  const rankOf = ({ rank, traffic }: TopColumn<Row>): number => {
    if (!sparks || traffic === undefined) return rank;
    return traffic === 'spark' ? 1 : rank + HELD_BACK;
  };
  let fitted = [...columns];
  const least = (): number => fitted.reduce((sum, column) => sum + column.width + GAP, -GAP);
  while (least() > width && fitted.length > 1) {
    const worst = fitted.reduce((most, column) => Math.max(most, rankOf(column)), 0);
    const at = fitted.findLastIndex((column) => rankOf(column) === worst);
    fitted = fitted.filter((_, i) => i !== at);
  }
  return shared(fitted, needs, width - least());
}

/** What is left goes to addresses first. */
function shared<Row>(
  columns: readonly TopColumn<Row>[],
  needs: (column: TopColumn<Row>) => number,
  room: number,
): Placed<Row>[] {
  const widths = new Map(columns.map((column) => [column, column.width]));
  let left = room;
  for (const isFirst of [true, false])
    for (const column of columns.filter(({ keepsEnd = false }) => keepsEnd === isFirst)) {
      const wanted = Math.min(column.max ?? 0, needs(column)) - column.width;
      const more = Math.max(0, Math.min(left, wanted));
      widths.set(column, column.width + more);
      left -= more;
    }
  return columns.map((column) => ({ column, width: widths.get(column) ?? column.width }));
}

/** Columns of the terminal that a text takes, as it is shown. */
export function widthOf(text: string): number {
  return isAscii(text) ? text.length : textWidth(printable(text));
}

/** A text in exactly so many columns of the terminal. */
export function fill<Row>(text: string, { column, width }: Placed<Row>): string {
  const shown = shownIn(text, width, column.keepsEnd === true);
  const blanks = ' '.repeat(Math.max(0, width - widthOf(shown)));
  return column.max === undefined ? blanks + shown : shown + blanks;
}

function shownIn(text: string, width: number, keepsEnd: boolean): string {
  if (isAscii(text) && text.length <= width) return text;
  return keepsEnd ? cutStart(printable(text), width) : cut(printable(text), width);
}

/** Its end, with `…` where something is left out. */
function cutStart(text: string, width: number): string {
  return widthOf(text) <= width ? text : `…${text.slice(1 - width)}`;
}
