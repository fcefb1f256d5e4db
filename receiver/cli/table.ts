import type { LiveRow } from '../signals/live-table.ts';
import { columnsOf, cut, humanBytes, humanCount, humanDuration, printable } from './human.ts';

/** Where and when the table is drawn. */
export interface RenderOptions {
  /** Columns of the terminal. */
  readonly width: number;
  /** Most lines to return, at least 5. */
  readonly height: number;
  readonly now: Date;
  /** Facts about the agent, shown first. */
  readonly status: string;
}

interface Column {
  readonly title: string;
  readonly value: (row: LiveRow) => string;
  readonly isText?: boolean;
  /** A text column shrinks to this before a column is left out. */
  readonly min?: number;
  readonly max?: number;
  /** Columns with the highest rank are left out first; rank 0 stays. */
  readonly rank: number;
}

const COLUMNS: readonly Column[] = [
  { title: 'PROCESS', value: (r) => r.process, isText: true, min: 8, max: 20, rank: 0 },
  { title: 'PID', value: (r) => String(r.pid), rank: 2 },
  { title: 'ROLE', value: (r) => r.role, isText: true, min: 8, rank: 8 },
  { title: 'ENDPOINT', value: (r) => r.endpoint, isText: true, min: 21, max: 46, rank: 0 },
  { title: 'OPEN', value: (r) => humanCount(r.active), rank: 0 },
  { title: 'OPENED', value: (r) => humanCount(r.opened), rank: 1 },
  { title: 'FAILED', value: (r) => humanCount(r.failed), rank: 2 },
  {
    title: 'HANDSHAKE',
    value: (r) => (r.handshakeMs === undefined ? '-' : humanDuration(r.handshakeMs)),
    rank: 4,
  },
  { title: 'SENT', value: (r) => humanBytes(r.bytesSent), rank: 3 },
  { title: 'RECEIVED', value: (r) => humanBytes(r.bytesReceived), rank: 3 },
  { title: 'RETRANS', value: (r) => humanCount(r.retransmits), rank: 3 },
  { title: 'DROPS', value: (r) => humanCount(r.drops), rank: 6 },
  { title: 'RESETS', value: (r) => humanCount(r.resets), rank: 7 },
  { title: 'STATE', value: (r) => r.state, isText: true, min: 11, max: 40, rank: 5 },
];

const GAP = 2;

interface Fitted {
  readonly column: Column;
  readonly cells: readonly string[];
  width: number;
}

function totalWidth(fitted: readonly Fitted[]): number {
  return fitted.reduce((sum, { width }) => sum + width, GAP * Math.max(0, fitted.length - 1));
}

/** Text columns shrink to their minimum, widest first; then columns go, the least needed first. */
function fit(rows: readonly LiveRow[], width: number): Fitted[] {
  let fitted = COLUMNS.map((column): Fitted => {
    const cells = rows.map((row) => printable(column.value(row)));
    const natural = cells.reduce((most, cell) => Math.max(most, columnsOf(cell)), column.title.length);
    return { column, cells, width: Math.min(natural, column.max ?? Infinity) };
  });
  for (;;) {
    let excess = totalWidth(fitted) - width;
    const shrinkable = fitted.filter((f) => f.column.min !== undefined).sort((a, b) => b.width - a.width);
    const slack = shrinkable.reduce((sum, f) => sum + Math.max(0, f.width - (f.column.min ?? 0)), 0);
    const worst = fitted.reduce((most, f) => Math.max(most, f.column.rank), 0);
    if (excess <= slack || worst === 0) {
      for (const f of shrinkable) {
        const less = Math.min(excess, Math.max(0, f.width - (f.column.min ?? 0)));
        if (less > 0) f.width -= less;
        excess -= Math.max(0, less);
      }
      return fitted;
    }
    fitted = fitted.filter((f) => f.column.rank !== worst);
  }
}

function pad(text: string, { column, width }: Fitted): string {
  const shown = cut(text, width);
  const spaces = ' '.repeat(Math.max(0, width - columnsOf(shown)));
  return column.isText === true ? shown + spaces : spaces + shown;
}

function bytesOf(row: LiveRow): number {
  return row.bytesSent + row.bytesReceived;
}

/** Most bytes first, then most attempts, then most open; names decide the rest so that lines do not jump. */
function byActivity(a: LiveRow, b: LiveRow): number {
  return (
    bytesOf(b) - bytesOf(a) ||
    b.opened + b.failed - (a.opened + a.failed) ||
    b.active - a.active ||
    (a.process < b.process ? -1 : a.process > b.process ? 1 : a.pid - b.pid) ||
    (a.endpoint < b.endpoint ? -1 : a.endpoint > b.endpoint ? 1 : 0)
  );
}

/**
 * The live view as text: the status, a heading, the most active rows, and how many
 * are not shown. No line is wider than `width`, there are at most `height`.
 */
export function renderTable(rows: readonly LiveRow[], { width, height, now, status }: RenderOptions): string {
  const head = cut(printable(`${now.toTimeString().slice(0, 8)}  ${status}`), width);
  if (rows.length === 0) return [head, '', cut('no TCP connections seen yet', width)].join('\n');
  const sorted = rows.toSorted(byActivity);
  const room = Math.max(1, height - 3);
  const shown = sorted.length <= room ? sorted : sorted.slice(0, Math.max(1, room - 1));
  const fitted = fit(shown, width);
  const lineOf = (cell: (f: Fitted) => string): string =>
    cut(
      fitted
        .map((f) => pad(cell(f), f))
        .join(' '.repeat(GAP))
        .trimEnd(),
      width,
    );
  const lines = shown.map((_, i) => lineOf((f) => f.cells[i] ?? ''));
  const left = sorted.length - shown.length;
  const more = left > 0 ? [cut(`… and ${String(left)} less active`, width)] : [];
  return [head, '', lineOf((f) => f.column.title), ...lines, ...more].join('\n');
}

/** The rows as JSON lines, each with its time; ends with a newline unless there are none. */
export function renderJson(rows: readonly LiveRow[], now: Date): string {
  const time = now.toISOString();
  return rows.map((row) => `${JSON.stringify({ time, ...row })}\n`).join('');
}
