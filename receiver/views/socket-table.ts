import { csvLine, line, TimeColumns, titles, type Column } from './columns.ts';
import { CSV, WIDE, type ViewArguments } from './options.ts';
import type { ViewTools } from './view.ts';

/** How the lines of a view are written that `--wide`, `--csv` and the options of times change. */
export interface TableStyle {
  readonly isWide: boolean;
  readonly isCsv: boolean;
}

/** A table of sockets: columns that hold IPv6 addresses when asked for, or values with commas between them. */
export class SocketTable implements TableStyle {
  readonly isWide: boolean;
  readonly isCsv: boolean;
  readonly header: string;
  readonly #columns: readonly Column[];
  readonly #times: TimeColumns;

  constructor(args: ViewArguments, tools: ViewTools, columnsOf: (style: TableStyle) => readonly Column[]) {
    this.isCsv = args.has(CSV.long);
    this.isWide = args.has(WIDE.long) || this.isCsv;
    this.#times = new TimeColumns(args, tools);
    this.#columns = [...this.#times.columns, ...columnsOf(this)];
    this.header = this.isCsv ? csvLine(this.#columns.map(([title]) => title)) : titles(this.#columns);
  }

  /** `texts` are those of the columns without the times. */
  line(timeNs: bigint, texts: readonly string[]): string {
    const all = [...this.#times.texts(timeNs), ...texts];
    return this.isCsv ? csvLine(all) : line(this.#columns, all);
  }
}
