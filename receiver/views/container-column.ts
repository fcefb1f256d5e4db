import type { Owner } from '../model/resource.ts';
import { line, type Column } from './columns.ts';
import { CSV, JSON_OPTION, type ViewArguments, type ViewOption } from './options.ts';
import type { ViewRow, ViewTools } from './view.ts';

/** Digits of an id in a column, as runtimes show them. */
const SHORT_ID = 12;
const COLUMN: Column = ['CONTAINER', SHORT_ID];

export const SHOW_CONTAINER: ViewOption = {
  long: 'show-container',
  help: 'a column before all others with the beginning of the id of its container',
};

/** Whether a view is to know in which containers processes are. */
export function showsContainers(args: ViewArguments): boolean {
  return args.has(SHOW_CONTAINER.long) || args.has(JSON_OPTION.long);
}

/** In which containers the processes of rows are: a column when it is asked for, and a field of objects. */
export class ContainerColumn {
  readonly #isShown: boolean;
  readonly #isCsv: boolean;
  readonly #hasColumn: boolean;
  readonly #tools: ViewTools;

  constructor(args: ViewArguments, tools: ViewTools) {
    this.#isShown = showsContainers(args);
    this.#hasColumn = args.has(SHOW_CONTAINER.long);
    this.#isCsv = args.has(CSV.long);
    this.#tools = tools;
  }

  /** Keeps where a process is, which may be gone at its first row. */
  note(owner: Owner): void {
    if (this.#isShown) this.#tools.cgroupOf?.(owner);
  }

  header(titles: string): string {
    return this.#before(COLUMN[0], titles);
  }

  /** A row of what this process did. */
  row(row: ViewRow, owner: Owner): ViewRow {
    if (!this.#isShown) return row;
    const id = this.#tools.cgroupOf?.(owner)?.containerId;
    const { json } = row;
    const [first = '', ...more] = row.lines;
    return {
      lines: [this.#before(id?.slice(0, SHORT_ID) ?? '-', first), ...more],
      ...(json && { json: { ...json, container_id: id ?? null } }),
    };
  }

  #before(text: string, rest: string): string {
    if (!this.#hasColumn) return rest;
    return this.#isCsv ? `${text},${rest}` : line([COLUMN, ['', 0]], [text, rest]);
  }
}
