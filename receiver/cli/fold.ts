import type { RatedRow, Rates } from './rates.ts';

/** A row of the table: one process with one endpoint, or more that were put together. */
export interface TableRow extends RatedRow {
  /** The processes in it. */
  readonly pids: ReadonlySet<number>;
}

const SUMS = [
  'active',
  'opened',
  'failed',
  'handshakes',
  'bytesSent',
  'bytesReceived',
  'retransmits',
  'drops',
  'resets',
  'rtts',
  'listening',
  'queued',
  'queueLimit',
] as const satisfies readonly (keyof RatedRow)[];

const RATES = ['opened', 'bytesSent', 'bytesReceived'] as const satisfies readonly (keyof Rates)[];

/** One row of the table for each row. */
export function singleRows(rows: readonly RatedRow[]): TableRow[] {
  return rows.map((row) => ({ ...row, pids: new Set([row.pid]) }));
}

/** Processes of one service and command, in one role with one endpoint, become one row. */
export function foldProcesses(rows: readonly TableRow[]): TableRow[] {
  return [...grouped(rows, (row) => `${workloadOf(row)}\0${row.endpoint}`).values()].map(sumOf);
}

/**
 * Makes at most `room` rows of them, if that can be: all endpoints of the workload that has most rows are put together,
 * then of the next, until there is room.
 */
export function foldEndpoints(rows: readonly TableRow[], room: number): readonly TableRow[] {
  let excess = rows.length - room;
  if (excess <= 0) return rows;
  const groups = [...grouped(rows, workloadOf).values()].sort((a, b) => b.length - a.length);
  return groups.flatMap((group) => {
    if (excess <= 0 || group.length === 1) return group;
    excess -= group.length - 1;
    const what = group[0]?.role === 'client' ? 'peers' : 'ports';
    return [{ ...sumOf(group), endpoint: `${String(group.length)} ${what}` }];
  });
}

function workloadOf({ service, process, role }: TableRow): string {
  return `${service}\0${process}\0${role}`;
}

function grouped(rows: readonly TableRow[], keyOf: (row: TableRow) => string): Map<string, TableRow[]> {
  const groups = new Map<string, TableRow[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}

function sumOf(group: readonly TableRow[]): TableRow {
  const [first] = group;
  if (first === undefined) throw new Error('a group has at least one row');
  if (group.length === 1) return first;
  const { handshakeMs: _handshake, rttMs: _rtt, rates: _rates, ...rest } = first;
  const figures = Object.fromEntries(SUMS.map((figure) => [figure, total(group, (row) => row[figure])]));
  const handshakeMs = meanOf(group, (row) => [row.handshakes, row.handshakeMs]);
  const rttMs = meanOf(group, (row) => [row.rtts, row.rttMs]);
  const rates = Object.fromEntries(
    RATES.map((rate) => [rate, total(group, (row) => row.rates?.[rate] ?? 0)]),
  );
  return {
    ...rest,
    ...(figures as Pick<TableRow, (typeof SUMS)[number]>),
    pids: new Set(group.flatMap(({ pids }) => [...pids])),
    ...(handshakeMs !== undefined && { handshakeMs }),
    ...(rttMs !== undefined && { rttMs }),
    ...(first.rates !== undefined && { rates: rates as unknown as Rates }),
  };
}

function total(group: readonly TableRow[], figure: (row: TableRow) => number): number {
  return group.reduce((sum, row) => sum + figure(row), 0);
}

/** The mean of means, by how many each is of. */
function meanOf(
  group: readonly TableRow[],
  part: (row: TableRow) => [count: number, mean: number | undefined],
): number | undefined {
  const count = total(group, (row) => part(row)[0]);
  if (count === 0) return undefined;
  return total(group, (row) => part(row)[0] * (part(row)[1] ?? 0)) / count;
}
