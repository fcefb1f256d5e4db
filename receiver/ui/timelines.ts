import type { TopConnection } from '../views/top/connection.ts';
import type { TopGroup } from '../views/top/groups.ts';
import type { TopTable } from '../views/top/table.ts';
import { NOTHING, type Gained } from '../views/top/traffic.ts';

/** Slices of a plot at most. Even: of a recording, two become one when there are more. */
const MAX_SLICES = 120;
/** Connections and processes that have plots of their own, at most. */
const MAX_PLOTTED = { connections: 2_048, processes: 512 } as const;

/** What happened in one slice of time. */
export interface Slice extends Gained {
  /** Connections that were open at its end. */
  open: number;
}

/** A slice and when it was, Unix milliseconds. */
export interface TimedSlice extends Readonly<Slice> {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The slices of one thing; of those that are left out nothing is known but that nothing happened. */
class Timeline<Row> {
  row: Row;
  /** It had something open in the last interval. */
  isOpen = false;
  #slices = new Map<number, Slice>();

  constructor(row: Row) {
    this.row = row;
  }

  get isEmpty(): boolean {
    return this.#slices.size === 0;
  }

  add(number: number, gained: Readonly<Gained>, open: number): void {
    this.isOpen = open > 0;
    this.#slices.set(number, joined(this.#slices.get(number), { ...gained, open }));
  }

  at(number: number): Readonly<Slice> {
    return this.#slices.get(number) ?? { ...NOTHING, open: 0 };
  }

  /** Two slices become one. */
  halve(): void {
    const slices = this.#slices;
    this.#slices = new Map();
    for (const [number, slice] of slices) {
      const half = Math.floor(number / 2);
      this.#slices.set(half, joined(this.#slices.get(half), slice));
    }
  }

  forget(before: number): void {
    for (const number of this.#slices.keys()) {
      if (number >= before) return;
      this.#slices.delete(number);
    }
  }
}

function joined(before: Readonly<Gained> | undefined, slice: Slice): Slice {
  return { ...sum(before ?? NOTHING, slice), open: slice.open };
}

function sum(one: Readonly<Gained>, other: Readonly<Gained>): Gained {
  return {
    sent: one.sent + other.sent,
    received: one.received + other.received,
    retransmits: one.retransmits + other.retransmits,
    rttUs: one.rttUs + other.rttUs,
    mostRttUs: Math.max(one.mostRttUs, other.mostRttUs),
    rtts: one.rtts + other.rtts,
  };
}

/** What connections and processes have in their plots, with a bound. */
class Plotted<Row> {
  readonly #most: number;
  readonly #lines = new Map<string, Timeline<Row>>();
  /** Times that something happened of which there is no plot. */
  refused = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get(id: string): Timeline<Row> | undefined {
    return this.#lines.get(id);
  }

  /** Undefined: there is no room. */
  of(id: string, row: Row): Timeline<Row> | undefined {
    let line = this.#lines.get(id);
    if (line === undefined) {
      if (this.#lines.size >= this.#most) {
        this.refused += 1;
        return undefined;
      }
      line = new Timeline(row);
      this.#lines.set(id, line);
    }
    line.row = row;
    return line;
  }

  halve(): void {
    for (const line of this.#lines.values()) line.halve();
  }

  /** What is over makes room. */
  forget(before: number): void {
    for (const [id, line] of this.#lines) {
      line.forget(before);
      if (line.isEmpty) this.#lines.delete(id);
    }
  }
}

/** What is plotted over time: of all, of each process and of each connection. */
export class Timelines {
  readonly processes = new Plotted<TopGroup>(MAX_PLOTTED.processes);
  readonly connections = new Plotted<TopConnection>(MAX_PLOTTED.connections);
  readonly #all = new Timeline(undefined);
  readonly #isWhole: boolean;
  /** When each slice began that is there, Unix milliseconds, and the end of the last one. */
  #startsMs: number[] = [];
  #endMs = 0;
  /** Number of the first slice that is there. */
  #first = 0;
  #intervals = 0;
  #intervalsASlice = 1;

  /** `isWhole`: all of the time in ever longer slices; else the last intervals, each a slice. */
  constructor(isWhole: boolean) {
    this.#isWhole = isWhole;
  }

  /** An interval of `seconds` of the table is over, at `toMs` (Unix milliseconds). */
  end(table: TopTable, toMs: number, seconds: number): void {
    const number = this.#begin(toMs - seconds * 1e3);
    this.#endMs = toMs;
    const { interval } = table;
    let all = NOTHING;
    for (const group of table.processes.rows()) {
      const gained = group.traffic.gainedIn(interval);
      if (gained !== undefined) all = sum(all, gained);
      if (gained === undefined && group.open === 0 && this.processes.get(group.id)?.isOpen !== true) continue;
      this.processes.of(group.id, group)?.add(number, gained ?? NOTHING, group.open);
    }
    this.#all.add(number, all, table.totals().open);
    for (const connection of table.connections()) {
      const gained = connection.traffic.gainedIn(interval);
      if (gained !== undefined) this.connections.of(connection.id, connection)?.add(number, gained, 0);
    }
  }

  /** Makes room for an interval; the number of its slice. */
  #begin(fromMs: number): number {
    const parts = [this.#all, this.processes, this.connections];
    if (this.#isWhole && this.#intervals === MAX_SLICES * this.#intervalsASlice) {
      this.#intervalsASlice *= 2;
      this.#startsMs = this.#startsMs.filter((_, at) => at % 2 === 0);
      for (const part of parts) part.halve();
    }
    const number = Math.floor(this.#intervals / this.#intervalsASlice);
    this.#intervals += 1;
    if (number === this.#first + this.#startsMs.length) this.#startsMs.push(fromMs);
    if (this.#startsMs.length > MAX_SLICES) {
      this.#startsMs.shift();
      this.#first += 1;
      for (const part of parts) part.forget(this.#first);
    }
    return number;
  }

  /** The slices of one of them, or of all, the oldest first. */
  slices(line: Pick<Timeline<unknown>, 'at'> = this.#all): readonly TimedSlice[] {
    return this.#startsMs.map((fromMs, at) => ({
      ...line.at(this.#first + at),
      ...{ fromMs, toMs: this.#startsMs[at + 1] ?? this.#endMs },
    }));
  }

  /** What its bounds left out, in words. */
  notes(): string[] {
    return (['connections', 'processes'] as const).flatMap((what) => {
      const { refused } = this[what];
      return refused === 0
        ? []
        : `${String(refused)} times something happened of ${what} that have no plot: no more than ${String(MAX_PLOTTED[what])} have`;
    });
  }
}
