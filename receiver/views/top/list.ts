import type { CellContext } from './columns.ts';
import { listLines } from './frame.ts';
import type { ColumnKey } from './keys.ts';
import { ordered, type ListState, type Mode } from './mode.ts';
import type { FrameLine, FrameSize } from './screen.ts';

export interface ListView {
  readonly filter: string;
  readonly sparks: boolean;
  readonly context: CellContext;
}

/** A list of rows of whatever kind: sorted, filtered, with one of them chosen. */
export interface AnyList {
  readonly title: string;
  readonly columns: readonly ColumnKey[];
  /** Rows that the filter leaves. */
  readonly count: number;
  /** Title of the column that it is sorted by. */
  readonly sortedBy: string;
  /** Rows are asked for anew when it is drawn next. */
  refresh(): void;
  lines(view: ListView, size: FrameSize): readonly FrameLine[];
  /** What is known of the chosen row; undefined: there is none. */
  detail(view: ListView): readonly (readonly [heading: string, text: string])[] | undefined;
  move(by: number): void;
  /** The first row is chosen, whatever it is. */
  top(): void;
  sort(column: string): void;
  sortNext(by: number): void;
  reverse(): void;
}

export class List<Row> implements AnyList {
  readonly #mode: Mode<Row>;
  readonly #state: ListState;
  /** Undefined: they are to be asked for. */
  #rows: readonly Row[] | undefined;
  #count = 0;

  constructor(mode: Mode<Row>, sortedBy: string) {
    this.#mode = mode;
    this.#state = { sortedBy, isReversed: false, chosen: undefined, scrolled: 0 };
  }

  get title(): string {
    return this.#mode.title;
  }

  get columns(): readonly ColumnKey[] {
    return this.#mode.columns;
  }

  get count(): number {
    return this.#count;
  }

  get sortedBy(): string {
    return this.#state.sortedBy;
  }

  refresh(): void {
    this.#rows = undefined;
  }

  #ordered(view: ListView): readonly Row[] {
    this.#rows ??= ordered(this.#mode, this.#state, view);
    this.#count = this.#rows.length;
    return this.#rows;
  }

  /** The first one where the chosen one is gone. */
  #chosenAt(rows: readonly Row[]): number {
    const { chosen } = this.#state;
    if (chosen === undefined) return 0;
    return Math.max(
      0,
      rows.findIndex((row) => this.#mode.idOf(row) === chosen),
    );
  }

  lines(view: ListView, size: FrameSize): readonly FrameLine[] {
    const rows = this.#ordered(view);
    const { context, sparks } = view;
    const parts = { mode: this.#mode, state: this.#state, rows, chosen: this.#chosenAt(rows) };
    return listLines({ ...parts, context, sparks }, size);
  }

  detail(view: ListView): readonly (readonly [heading: string, text: string])[] | undefined {
    const rows = this.#ordered(view);
    const row = rows[this.#chosenAt(rows)];
    if (row === undefined) return undefined;
    // It stays the same one while others move.
    this.#state.chosen = this.#mode.idOf(row);
    this.#mode.keep?.(row);
    return this.#mode.detail(row, view.context);
  }

  move(by: number): void {
    const rows = this.#rows ?? [];
    const at = Math.max(0, Math.min(rows.length - 1, this.#chosenAt(rows) + by));
    const row = rows[at];
    this.#state.chosen = row === undefined ? undefined : this.#mode.idOf(row);
  }

  top(): void {
    this.#state.chosen = undefined;
  }

  sort(column: string): void {
    this.#state.sortedBy = column;
    this.#state.isReversed = false;
    this.refresh();
  }

  sortNext(by: number): void {
    const { columns } = this.#mode;
    const at = columns.findIndex(({ title }) => title === this.#state.sortedBy);
    const next = columns[(at + by + columns.length) % columns.length];
    if (next !== undefined) this.sort(next.title);
  }

  reverse(): void {
    this.#state.isReversed = !this.#state.isReversed;
    this.refresh();
  }
}
