/** What the kernel says about a process's BPF programs and maps, from its open files. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { LOSS_REASON } from '../../receiver/decode/generated/layout.ts';

/** The kernel keeps 15 bytes of a program's name. */
const NAME_LENGTH = 15;
const LOSS_REASONS = LOSS_REASON.LOSS_REASONS;

export interface ProgramCount {
  readonly runs: number;
  readonly ns: number;
}

/** Counts by program name. */
export type ProgramCounts = ReadonlyMap<string, ProgramCount>;

/** Reads the programs of one process; `names` are their full names. */
export class ProgramReader {
  readonly #pid: number;
  readonly #names = new Map<number, string>();

  constructor(pid: number, names: readonly string[]) {
    this.#pid = pid;
    const own = new Set(readFds(pid).flatMap((fd) => fd.get('prog_id') ?? []));
    const shown = bpftool('prog', 'show') as { id: number; name?: string }[];
    for (const { id, name = '' } of shown) {
      if (!own.has(id)) continue;
      this.#names.set(id, names.find((full) => full.slice(0, NAME_LENGTH) === name) ?? name);
    }
  }

  read(): ProgramCounts {
    const counts = new Map<string, ProgramCount>();
    for (const fd of readFds(this.#pid)) {
      const name = this.#names.get(fd.get('prog_id') ?? -1);
      // A link's file shows the program's id too, but not its counts.
      const runs = fd.get('run_cnt');
      if (name === undefined || runs === undefined) continue;
      // A process that loaded the programs twice has two of a name.
      const other = counts.get(name) ?? { runs: 0, ns: 0 };
      counts.set(name, { runs: other.runs + runs, ns: other.ns + (fd.get('run_time_ns') ?? 0) });
    }
    return counts;
  }
}

export function difference(before: ProgramCounts, after: ProgramCounts): ProgramCounts {
  return new Map(
    [...after].map(([name, { runs, ns }]) => {
      const old = before.get(name) ?? { runs: 0, ns: 0 };
      return [name, { runs: runs - old.runs, ns: ns - old.ns }];
    }),
  );
}

/** Records for user space since the agent's start. */
export interface RecordCounts {
  readonly sent: number;
  readonly ringFull: number;
  /** Every other loss: full maps, no storage, skipped runs. */
  readonly otherLoss: number;
}

export function readRecordCounts(pid: number): RecordCounts {
  const own = new Set(readFds(pid).flatMap((fd) => fd.get('map_id') ?? []));
  const shown = bpftool('map', 'show') as { id: number; name?: string }[];
  const id = shown.find((map) => map.name === 'lost' && own.has(map.id))?.id;
  if (id === undefined) throw new Error("the agent has no map 'lost'");
  const rows = bpftool('map', 'dump', 'id', String(id)) as {
    formatted?: { key: number; values: { value: number }[] };
  }[];
  const byReason = new Array<number>(LOSS_REASONS).fill(0);
  for (const { formatted } of rows) {
    if (formatted === undefined) continue;
    const reason = formatted.key % LOSS_REASONS;
    for (const { value } of formatted.values) byReason[reason] = (byReason[reason] ?? 0) + value;
  }
  const missed = readFds(pid).reduce((sum, fd) => sum + (fd.get('recursion_misses') ?? 0), 0);
  const count = (reason: number): number => byReason[reason] ?? 0;
  return {
    sent: count(LOSS_REASON.SENT),
    ringFull: count(LOSS_REASON.LOST_RING_FULL),
    otherLoss: count(LOSS_REASON.LOST_MAP_FULL) + count(LOSS_REASON.LOST_STORAGE) + missed,
  };
}

/** Memory of all maps that a process holds, as the kernel counts it; MB (10^6 bytes). */
export function readMapMemoryMb(pid: number): number {
  const byMap = new Map(readFds(pid).map((fd) => [fd.get('map_id'), fd.get('memlock') ?? 0]));
  byMap.delete(undefined);
  return [...byMap.values()].reduce((sum, bytes) => sum + bytes, 0) / 1e6;
}

/** The numbers in every file of /proc/PID/fdinfo. */
function readFds(pid: number): ReadonlyMap<string, number>[] {
  const folder = `/proc/${String(pid)}/fdinfo`;
  return readdirSync(folder).map((fd) => {
    const text = readText(`${folder}/${fd}`);
    return new Map(
      [...text.matchAll(/^(\w+):\s+(\d+)$/gm)].map(([, key, value]) => [key ?? '', Number(value)]),
    );
  });
}

/** '' when the file was closed meanwhile. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function bpftool(...args: string[]): unknown {
  return JSON.parse(execFileSync('bpftool', ['-j', ...args], { encoding: 'utf8', maxBuffer: 1 << 26 }));
}
