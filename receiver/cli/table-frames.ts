import type { LiveRow } from '../signals/live-table.ts';
import { RowRates, type RatedRow } from './rates.ts';
import { renderTable, type GroupBy } from './table.ts';

/** What is shown now. */
export interface LiveView {
  readonly rows: readonly LiveRow[];
  readonly status: string;
  /** What one row of the table stands for. */
  readonly groupBy: GroupBy;
}

/** The table of the last view, with rates since the one before, in any size. */
export class TableFrames {
  readonly #rates = new RowRates();
  #rows: readonly RatedRow[] = [];
  #view: LiveView = { rows: [], status: '', groupBy: 'command' };
  #now = new Date(0);

  take(view: LiveView, now: Date): void {
    this.#view = view;
    this.#now = now;
    this.#rows = this.#rates.next(view.rows, performance.now());
  }

  render(width: number, height: number): string {
    const { status, groupBy } = this.#view;
    return renderTable(this.#rows, { width, height, now: this.#now, status, groupBy });
  }
}
