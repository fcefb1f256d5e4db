import type { LiveRow } from '../signals/live-table.ts';

/** What a row gained per second since the frame before. */
export interface Rates {
  readonly opened: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export interface RatedRow extends LiveRow {
  /** Absent in the first frame. */
  readonly rates?: Rates;
}

const FIGURES = ['opened', 'bytesSent', 'bytesReceived'] as const;

/** Compares each frame with the one before; it remembers the rows of one frame. */
export class RowRates {
  #seen: ReadonlyMap<string, LiveRow> | undefined;
  #lastMs = 0;

  /** `nowMs`: by a clock that is never set. */
  next(rows: readonly LiveRow[], nowMs: number): readonly RatedRow[] {
    const before = this.#seen;
    const seconds = (nowMs - this.#lastMs) / 1000;
    this.#seen = new Map(rows.map((row) => [idOf(row), row]));
    this.#lastMs = nowMs;
    if (before === undefined || seconds <= 0) return rows;
    return rows.map((row) => ({ ...row, rates: ratesOf(row, before.get(idOf(row)), seconds) }));
  }
}

function idOf({ pid, process, role, endpoint }: LiveRow): string {
  return `${String(pid)} ${role} ${endpoint} ${process}`;
}

/** A row that was not there before gained all that it has, and so did one whose counts began anew. */
function ratesOf(row: LiveRow, before: LiveRow | undefined, seconds: number): Rates {
  const isNew = before === undefined || FIGURES.some((figure) => row[figure] < before[figure]);
  const [opened = 0, bytesSent = 0, bytesReceived = 0] = FIGURES.map(
    (figure) => (row[figure] - (isNew ? 0 : before[figure])) / seconds,
  );
  return { opened, bytesSent, bytesReceived };
}
