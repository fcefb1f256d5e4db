import { cut, printable } from '../../cli/human.ts';
import { textWidth } from '../../cli/text-width.ts';
import type { CellContext, TopColumn } from './columns.ts';
import { fill, place, widthOf, type Placed } from './layout.ts';
import type { ListState, Mode } from './mode.ts';
import type { FrameLine, FrameSize, Segment, Style } from './screen.ts';

export function plain(text: string, style: Style = 'plain'): Segment {
  return { text, style };
}

/** A line of one style over the whole width. */
export function bar(text: string, width: number, style: Style): FrameLine {
  const shown = cut(printable(text), width);
  return [{ text: shown + ' '.repeat(Math.max(0, width - textWidth(shown))), style }];
}

/** Which part of a list is shown, so that the chosen row is in it. */
function scrolledTo({ scrolled }: ListState, chosen: number, room: number, count: number): number {
  const least = Math.max(0, chosen - room + 1);
  return Math.max(0, Math.min(Math.max(scrolled, least), chosen, Math.max(0, count - room)));
}

export interface ListParts<Row> {
  readonly mode: Mode<Row>;
  readonly state: ListState;
  /** All rows in their order, and which of them is chosen. */
  readonly rows: readonly Row[];
  readonly chosen: number;
  readonly sparks: boolean;
  readonly context: CellContext;
}

/** The heading and the rows that fit, `height` lines in all. */
export function listLines<Row>(
  { mode, state, rows, chosen, sparks, context }: ListParts<Row>,
  { width, height }: FrameSize,
): FrameLine[] {
  const room = height - 1;
  state.scrolled = scrolledTo(state, chosen, room, rows.length);
  const shown = rows.slice(state.scrolled, state.scrolled + room);
  const needs = (column: TopColumn<Row>): number =>
    shown.reduce((most, row) => Math.max(most, widthOf(column.text(row, context))), 0);
  const placed = place(mode.columns, needs, { width, sparks });
  const lines = shown.map((row, i): FrameLine => {
    const text = placed.map((each) => fill(each.column.text(row, context), each)).join(' ');
    return state.scrolled + i === chosen ? bar(text, width, 'chosen') : [plain(text)];
  });
  return [header(placed, state, width), ...lines];
}

/** The column that it is sorted by stands out, and has the way that it goes: `v` the greatest first. */
function header<Row>(placed: readonly Placed<Row>[], state: ListState, width: number): FrameLine {
  const titles = placed.map((each) => {
    const { title } = each.column;
    const isSorted = title === state.sortedBy;
    return fill(isSorted ? title.slice(0, each.width - 1) + (state.isReversed ? '^' : 'v') : title, each);
  });
  return bar(titles.join(' '), width, 'header');
}
