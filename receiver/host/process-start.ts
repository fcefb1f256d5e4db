import { closeSync, openSync, readSync } from 'node:fs';

/** `/proc/PID/stat` counts in ticks of 1/100 s: USER_HZ is 100 wherever Node runs. */
const nsPerTick = 10_000_000n;
/** The start time is the 22nd field: behind it there is nothing of interest. */
const stat = Buffer.alloc(1_024);

/**
 * Whether the process that started then has this pid: pids are given out again. `startNs`: nanoseconds since boot, compared
 * by the tick, which is all that `/proc` says.
 */
export function isProcessAlive(procRoot: string, pid: number, startNs: bigint): boolean {
  const length = readStat(`${procRoot}/${String(pid)}/stat`);
  return startTicks(stat.toString('latin1', 0, length)) === startNs / nsPerTick;
}

/** Field 22 of `/proc/PID/stat`; the command in field 2 may hold spaces and parentheses. */
function startTicks(text: string): bigint | undefined {
  const field = text.slice(text.lastIndexOf(')') + 2).split(' ', 20)[19];
  return field !== undefined && /^\d+$/.test(field) ? BigInt(field) : undefined;
}

/** Bytes read into `stat`; 0 when there is no such process. */
function readStat(path: string): number {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    return readSync(file, stat, 0, stat.length, null);
  } catch {
    return 0;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
