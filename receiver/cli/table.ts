import type { LiveRow } from '../signals/live-table.ts';
import { textWidth } from './text-width.ts';
import { foldEndpoints, foldProcesses, singleRows, type TableRow } from './fold.ts';
import { cut, humanBytes, humanCount, humanDuration, humanRate, printable } from './human.ts';
import type { RatedRow } from './rates.ts';

/** What a row of the table stands for: all processes of one service and command, or each by itself. */
export type GroupBy = 'command' | 'process';

/** Where and when the table is drawn. */
export interface RenderOptions {
  /** Columns of the terminal. */
  readonly width: number;
  /** Most lines to return, at least 5. */
  readonly height: number;
  readonly now: Date;
  /** Facts about the agent, shown first. */
  readonly status: string;
  readonly groupBy: GroupBy;
}

interface Column {
  readonly title: string;
  readonly value: (row: TableRow) => string;
  readonly isText?: boolean;
  /** A text column shrinks to this before a column is left out. */
  readonly min?: number;
  readonly max?: number;
  /** Columns with the highest rank are left out first; rank 0 stays. */
  readonly rank: number;
  /** Default: it is there when there is room. */
  readonly isNeeded?: (row: TableRow) => boolean;
}

const COLUMNS: readonly Column[] = [
  { title: 'PROCESS', value: (r) => r.process, isText: true, min: 8, max: 20, rank: 0 },
  {
    title: 'SERVICE',
    value: (r) => r.service,
    isText: true,
    min: 8,
    max: 20,
    rank: 4,
    isNeeded: (r) => r.service !== r.process,
  },
  { title: 'PID', value: pidOf, rank: 2 },
  { title: 'ROLE', value: (r) => r.role, isText: true, min: 8, rank: 12 },
  { title: 'ENDPOINT', value: (r) => r.endpoint, isText: true, min: 21, max: 46, rank: 0 },
  { title: 'OPEN', value: (r) => humanCount(r.active), rank: 0 },
  { title: 'RETRANS', value: (r) => humanCount(r.retransmits), rank: 0 },
  { title: 'DROPS', value: (r) => humanCount(r.drops), rank: 0 },
  { title: 'RTT', value: (r) => timeOf(r.rttMs), rank: 0 },
  { title: 'STATE', value: stateOf, isText: true, min: 13, max: 40, rank: 1 },
  { title: 'FAILED', value: (r) => humanCount(r.failed), rank: 3 },
  { title: 'NEW/S', value: (r) => rateOf(r.rates?.opened, humanRate), rank: 5 },
  { title: 'SENT/S', value: (r) => rateOf(r.rates?.bytesSent, humanBytes), rank: 6 },
  { title: 'RECV/S', value: (r) => rateOf(r.rates?.bytesReceived, humanBytes), rank: 6 },
  { title: 'RESETS', value: (r) => humanCount(r.resets), rank: 7 },
  { title: 'OPENED', value: (r) => humanCount(r.opened), rank: 8 },
  { title: 'SENT', value: (r) => humanBytes(r.bytesSent), rank: 9 },
  { title: 'RECEIVED', value: (r) => humanBytes(r.bytesReceived), rank: 9 },
  { title: 'HANDSHAKE', value: (r) => timeOf(r.handshakeMs), rank: 10 },
];

/** A process by its number, more of them by how many they are. */
function pidOf({ pid, pids }: TableRow): string {
  return pids.size === 1 ? String(pid) : `×${String(pids.size)}`;
}

function timeOf(ms: number | undefined): string {
  return ms === undefined ? '-' : humanDuration(ms);
}

function rateOf(perSecond: number | undefined, human: (value: number) => string): string {
  return perSecond === undefined ? '-' : human(perSecond);
}

/** As `ss` has it; of a listener, how many connections wait, and the room for them. */
function stateOf({ role, active, queued, queueLimit }: TableRow): string {
  if (role === 'listener') return `LISTEN ${String(queued)}/${String(queueLimit)}`;
  return active > 0 ? `ESTAB ${humanCount(active)}` : '';
}

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
function fit(rows: readonly TableRow[], width: number): Fitted[] {
  const needed = COLUMNS.filter(({ isNeeded }) => isNeeded === undefined || rows.some(isNeeded));
  let fitted = needed.map((column): Fitted => {
    const cells = rows.map((row) => printable(column.value(row)));
    const natural = cells.reduce((most, cell) => Math.max(most, textWidth(cell)), column.title.length);
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
  const spaces = ' '.repeat(Math.max(0, width - textWidth(shown)));
  return column.isText === true ? shown + spaces : spaces + shown;
}

function bytesOf({ bytesSent, bytesReceived }: { bytesSent: number; bytesReceived: number }): number {
  return bytesSent + bytesReceived;
}

function rateOfAll({ rates }: TableRow): number {
  return rates === undefined ? 0 : bytesOf(rates);
}

/** Who moves most bytes now first, then who moved most, then most attempts, then most open; names decide the rest. */
function byActivity(a: TableRow, b: TableRow): number {
  return (
    rateOfAll(b) - rateOfAll(a) ||
    bytesOf(b) - bytesOf(a) ||
    b.opened + b.failed - (a.opened + a.failed) ||
    b.active - a.active ||
    (a.process < b.process ? -1 : a.process > b.process ? 1 : a.pid - b.pid) ||
    (a.endpoint < b.endpoint ? -1 : a.endpoint > b.endpoint ? 1 : 0)
  );
}

function rowsOf(rows: readonly RatedRow[], groupBy: GroupBy, room: number): readonly TableRow[] {
  const single = singleRows(rows);
  return groupBy === 'process' ? single : foldEndpoints(foldProcesses(single), room);
}

/**
 * The live view as text: the status, a heading, the most active rows, and how many
 * are not shown. No line is wider than `width`, there are at most `height`.
 */
export function renderTable(
  rows: readonly RatedRow[],
  { width, height, now, status, groupBy }: RenderOptions,
): string {
  const head = cut(printable(`${now.toTimeString().slice(0, 8)}  ${status}`), width);
  if (rows.length === 0) return [head, '', cut('no TCP connections seen yet', width)].join('\n');
  const room = Math.max(1, height - 3);
  const sorted = rowsOf(rows, groupBy, room).toSorted(byActivity);
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
